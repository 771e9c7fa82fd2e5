//! Pieces of generated text.

/// What stands between two pieces of text.
pub fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let text = &text[text.find(from)? + from.len()..];
    Some(&text[..text.find(to)?])
}
