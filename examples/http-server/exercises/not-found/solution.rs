//! A pattern says which shape is good; what has another shape is refused.

pub fn answer(request: &str) -> (u16, &'static str) {
    let words: Vec<&str> = request.split_whitespace().collect();
    let [method, target, version] = words[..] else {
        return (400, "bad request");
    };
    let path = target.split('?').next();
    match (method, path) {
        _ if !version.starts_with("HTTP/1.") => (400, "bad request"),
        ("GET", Some("/")) => (200, "hello"),
        ("GET", _) => (404, "not found"),
        _ => (405, "only GET"),
    }
}
