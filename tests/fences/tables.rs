//! Tables of lessons: names, questions and minutes are the runner's, and minutes add up.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::shell;

/// What the runner knows of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    pub name: String,
    pub question: String,
    pub minutes: u32,
}

/// A table of a page.
#[derive(Default)]
struct Table {
    /// The heading above it.
    heading: String,
    columns: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Default)]
struct Row {
    line: usize,
    cells: Vec<String>,
    /// The lesson whose page it links to.
    lesson: Option<String>,
}

/// The runner's table.
pub fn lessons() -> Vec<Lesson> {
    let table = shell::output("cargo run -q -p main-runner --", 0).expect("the runner runs");
    let rows = table.lines().take_while(|line| !line.is_empty()).map(|line| {
        let (name, rest) = line.split_once("  ").expect("a name");
        let (question, minutes) = rest.trim().strip_suffix(" minutes")?.rsplit_once(' ')?;
        let (name, question) = (name.to_owned(), question.trim().to_owned());
        Some(Lesson { name, question, minutes: minutes.parse().ok()? })
    });
    rows.collect::<Option<_>>().expect("name, question, minutes")
}

/// What is wrong with the tables of a file. `lists_all`: it has a table of all lessons, in order.
pub fn check(file: &str, text: &str, lessons: &[Lesson], lists_all: bool) -> Vec<String> {
    let tables = tables(text);
    let mut wrong: Vec<String> =
        tables.iter().flat_map(|table| rows(file, table, lessons)).collect();
    wrong.extend(tables.iter().filter_map(|table| sum(file, text, table)));
    if lists_all {
        let names: Vec<&String> = lessons.iter().map(|lesson| &lesson.name).collect();
        let listed = |table: &Table| {
            table.rows.iter().filter_map(|row| row.lesson.as_ref()).eq(names.iter().copied())
        };
        if !tables.iter().any(listed) {
            wrong.push(format!("{file}:1: expected a table of {names:?}, found none"));
        }
    }
    wrong
}

/// Rows that say something else than the runner.
fn rows(file: &str, table: &Table, lessons: &[Lesson]) -> Vec<String> {
    let mut wrong = Vec::new();
    for row in &table.rows {
        let Some(lesson) = row.lesson.as_ref() else { continue };
        let Some(known) = lessons.iter().find(|it| it.name == *lesson) else { continue };
        let mut expect = |expected: &str, found: &str| {
            if expected != found {
                wrong.push(format!("{file}:{}: expected {expected:?}, found {found:?}", row.line));
            }
        };
        for (column, cell) in table.columns.iter().zip(&row.cells) {
            match column.as_str() {
                "minutes" => expect(&known.minutes.to_string(), cell),
                _ if cell.ends_with('?') => expect(&known.question, cell),
                _ => {}
            }
        }
        expect(&known.name, row.cells.first().map_or("", String::as_str));
    }
    wrong
}

/// A sum is stated by the heading above (`45 minutes: ...`), or by `In all: 172 minutes`.
fn sum(file: &str, text: &str, table: &Table) -> Option<String> {
    let column = table.columns.iter().position(|column| column == "minutes")?;
    let minutes = table.rows.iter().filter_map(|row| row.cells.get(column)?.parse::<u32>().ok());
    let sum: u32 = minutes.sum();
    let heading = table.heading.split(" minutes").next().and_then(|it| it.parse().ok());
    let in_all = || text.split_once("In all: ")?.1.split(' ').next()?.parse().ok();
    let stated: u32 = heading.or_else(in_all)?;
    let line = table.rows.first()?.line;
    (stated != sum).then(|| format!("{file}:{line}: expected {sum} minutes in all, found {stated}"))
}

fn tables(text: &str) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let (mut heading, mut words) = (String::new(), String::new());
    let syntax = Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    for (event, place) in Parser::new_ext(text, syntax).into_offset_iter() {
        let table = tables.last_mut();
        match (event, table) {
            (Event::Start(Tag::Heading { .. } | Tag::TableCell), _) => words.clear(),
            (Event::End(TagEnd::Heading(_)), _) => heading = std::mem::take(&mut words),
            (Event::Text(text) | Event::Code(text), _) => words.push_str(&text),
            (Event::Start(Tag::Table(_)), _) => {
                tables.push(Table { heading: heading.clone(), ..Table::default() });
            }
            (Event::Start(Tag::TableRow), Some(table)) => {
                let line = text[..place.start].matches('\n').count() + 1;
                table.rows.push(Row { line, ..Row::default() });
            }
            (Event::Start(Tag::Link { dest_url, .. }), Some(table)) => {
                if let Some(row) = table.rows.last_mut().filter(|row| row.cells.is_empty()) {
                    let file = dest_url.rsplit('/').next().unwrap_or_default();
                    row.lesson = file.strip_suffix(".md").map(str::to_owned);
                }
            }
            (Event::End(TagEnd::TableCell), Some(Table { columns, rows, .. })) => {
                let cells = rows.last_mut().map_or(columns, |row| &mut row.cells);
                cells.push(std::mem::take(&mut words).trim().to_owned());
            }
            _ => {}
        }
    }
    tables
}
