//! Links of all pages: files and anchors have to be there; addresses in the web only have to look
//! like some.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{BrokenLink, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::text_of;
use crate::support::root;

const SYNTAX: Options = Options::ENABLE_TABLES.union(Options::ENABLE_YAML_STYLE_METADATA_BLOCKS);

/// All Markdown files of the workspace, as seen from it.
pub fn files() -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").filter_map(|entry| entry.ok()) {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if path.is_dir()
                && !name.starts_with('.')
                && !matches!(&*name, "target" | "node_modules")
            {
                folders.push(path);
            } else if name.ends_with(".md") {
                let file = path.strip_prefix(root()).expect("it is in the workspace");
                files.push(file.to_string_lossy().into_owned());
            }
        }
    }
    files.sort();
    files
}

/// What is wrong with the links of a file with this text.
pub fn check(file: &str, text: &str) -> Vec<String> {
    let links = links(text).into_iter();
    let wrong = links
        .filter_map(|(line, link)| Some(format!("{file}:{line}: {}", trouble(file, text, &link)?)));
    wrong.collect()
}

/// Each link with its line. One without a definition has the target `[]`.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut undefined = Vec::new();
    let remember = |link: BrokenLink| {
        if matches!(link.link_type, LinkType::Reference | LinkType::Collapsed) {
            undefined.push((link.span.start, format!("[{}]", link.reference)));
        }
        None
    };
    let parser = Parser::new_with_broken_link_callback(text, SYNTAX, Some(remember));
    let mut links = Vec::new();
    for (event, place) in parser.into_offset_iter() {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.push((place.start, dest_url.into_string()));
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                links.extend(
                    attributes(&html, &["href", "src"]).map(|it| (place.start, it.to_owned())),
                );
            }
            _ => {}
        }
    }
    links.extend(undefined);
    links.into_iter().map(|(at, link)| (text[..at].matches('\n').count() + 1, link)).collect()
}

fn attributes<'a>(html: &'a str, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
    names.iter().flat_map(move |name| {
        html.split(&format!("{name}=\""))
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap_or(rest))
            .collect::<Vec<_>>()
    })
}

fn trouble(file: &str, text: &str, link: &str) -> Option<String> {
    if link.starts_with('[') {
        return Some(format!("expected a definition of {link}, found none"));
    }
    if link.contains("://") || link.starts_with("mailto:") {
        return (!is_address(link)).then(|| format!("expected https://host/..., found {link}"));
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, it)| (path, Some(it)));
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let target = if path.is_empty() { PathBuf::from(file) } else { folder.join(path) };
    if !path.is_empty() && !root().join(&target).exists() {
        return Some(format!("expected the file {}, found none", target.display()));
    }
    let anchor = anchor?;
    if !target.to_string_lossy().ends_with(".md") {
        return Some(format!("expected an anchor in a page, found {link}"));
    }
    let of_the_target = (!path.is_empty()).then(|| text_of(&target.to_string_lossy()));
    let anchors = anchors(of_the_target.as_deref().unwrap_or(text));
    let known = || format!("expected one of #{}", anchors.join(", #"));
    (!anchors.iter().any(|it| it == anchor)).then(|| format!("{}, found #{anchor}", known()))
}

fn is_address(link: &str) -> bool {
    let here = ["http://127.0.0.1", "http://localhost"].iter().any(|it| link.starts_with(it));
    let host =
        link.strip_prefix("https://").unwrap_or_default().split('/').next().unwrap_or_default();
    let labels = host.split('.').count() > 1 && host.split('.').all(|label| !label.is_empty());
    here || (labels && !link.contains(char::is_whitespace))
}

/// What headings of this text can be linked to by, as GitHub makes them, and the ids in its HTML.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, SYNTAX) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(words) | Event::Code(words) => {
                heading.iter_mut().for_each(|heading| heading.push_str(&words));
            }
            Event::End(TagEnd::Heading(_)) => {
                let slug = slug(&heading.take().unwrap_or_default());
                let times = seen.entry(slug.clone()).or_default();
                anchors.push(if *times == 0 { slug } else { format!("{slug}-{times}") });
                *times += 1;
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                anchors.extend(attributes(&html, &["id", "name"]).map(str::to_owned));
            }
            _ => {}
        }
    }
    anchors
}

/// GitHub's rule: lower case, hyphens for spaces, and no punctuation.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}
