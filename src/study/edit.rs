//! Setting fields in the text of a design file, everything else left as it stands.

use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Where `section.key` has its value in a design file's text.
pub fn place(text: &str, section: &str, key: &str) -> Option<Range<usize>> {
    let root = DeTable::parse(text).ok()?;
    let value = root.get_ref().get(section)?.get_ref().as_table()?.get(key)?;
    Some(value.span())
}

/// The text with `section.key` set to a value (TOML text): replaced where it stands, else added under its section,
/// else added with its section at the end. `None` where the text is not TOML or its section is not a table.
pub fn set(text: &str, section: &str, key: &str, value: &str) -> Option<String> {
    if let Some(at) = place(text, section, key) {
        return Some(format!("{}{value}{}", &text[..at.start], &text[at.end..]));
    }
    let root = DeTable::parse(text).ok()?;
    let Some((name, table)) = root.get_ref().get_key_value(section) else {
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Some(format!("{text}{end}\n[{section}]\n{key} = {value}\n"));
    };
    if !matches!(table.get_ref(), DeValue::Table(_)) {
        return None;
    }
    let header = table.span();
    let (before, after) = text.split_at_checked(header.end)?;
    match text.as_bytes().get(header.start)? {
        // A section's place is its header.
        b'[' => {
            let line = after.find('\n').map_or(after.len(), |n| n + 1);
            let (rest_of_line, below) = after.split_at(line);
            let end = if rest_of_line.ends_with('\n') { "" } else { "\n" };
            Some(format!("{before}{rest_of_line}{end}{key} = {value}\n{below}"))
        }
        // An inline table.
        b'{' => Some(format!(
            "{}{{ {key} = {value}{}{}",
            &text[..header.start],
            if table.get_ref().as_table().is_some_and(|t| t.is_empty()) { "" } else { "," },
            &text[header.start + 1..]
        )),
        // Dotted keys at the top.
        _ => {
            let at = name.span().start;
            Some(format!("{}{section}.{key} = {value}\n{}", &text[..at], &text[at..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_replaced_and_the_rest_stays() {
        let text = "# note\n[formats]\nweight = \"s16.13\"   # stored\n\n[rule]\nT = 3\n";
        let after = set(text, "formats", "weight", "\"s8.5\"");
        assert_eq!(
            after.as_deref(),
            Some("# note\n[formats]\nweight = \"s8.5\"   # stored\n\n[rule]\nT = 3\n")
        );
    }

    #[test]
    fn an_absent_key_or_section_is_added_in_every_spelling() {
        for text in
            ["[rule] # r\nT = 3\n[data]\n", "rule = { T = 3 }\n", "rule.T = 3\n", "[data]\n", "", "rule = {}"]
        {
            let after = set(text, "rule", "K", "4");
            let value: toml::Table = toml::from_str(after.as_deref().unwrap_or("!")).unwrap_or_default();
            assert_eq!(value["rule"]["K"].as_integer(), Some(4), "{text:?} became {after:?}");
            assert_eq!(value["rule"].get("T").is_some(), text.contains('T'), "{after:?}");
        }
    }
}
