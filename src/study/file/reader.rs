//! Reading a study file, every refusal with its place.

use super::{Axis, Bundle, Draw, Random, Search, Setting, StudyFile, Synth, Verify};
use crate::design::{Refusal, fields, nearest};
use std::collections::HashSet;
use std::ops::{Range, RangeInclusive};
use std::path::{Component, Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

type Span = Range<usize>;
type Result<T> = std::result::Result<T, Refusal>;

/// Keys at the top of a study file, and what they are.
const KEYS: &[(&str, &str)] = &[
    ("title", "the heading of the report, a text"),
    (
        "base",
        "the design file that all points start from, seen from the study file, such as `base = \"../digits-ep.toml\"`",
    ),
    ("epochs", "passes over the training set instead of the base design's, such as `epochs = 4`"),
    (
        "seeds",
        "how often each point is trained, such as `seeds = 3` (seeds 1, 2, 3), or a list of seeds, such as `seeds = [1, 7]`",
    ),
    (
        "verify",
        "how much of a point is checked against the hardware: \"none\", \"first 200 samples\", or \"all\"",
    ),
    (
        "synth",
        "where points are synthesised and placed for area and clock rate: \"none\", \"ecp5-25k\", \"ecp5-45k\", \"ecp5-85k\" or \"up5k\"",
    ),
    (
        "grid",
        "a section: every combination of its fields' values, such as `formats.weight = [\"s12.9\", \"s16.13\"]`",
    ),
    ("point", "listed points, each `[[point]]` and below it the fields it sets"),
    (
        "random",
        "a section: `points`, `seed`, and under [random.fields] lists or `{ from = 0.1, to = 1.0, scale = \"log\" }`",
    ),
    (
        "search",
        "a section: `margin` (percentage points above the oracle's test error), `weight = [6, 20]` (bits) and \
         `state = [3, 10]` (fraction bits), for `eqhdl study --search`",
    ),
];

fn known_keys() -> String {
    KEYS.iter().map(|k| format!("`{}`", k.0)).collect::<Vec<_>>().join(", ")
}

fn what_is(key: &str) -> String {
    let what = KEYS.iter().find(|k| k.0 == key).map_or("", |k| k.1);
    format!("`{key}` is {what}")
}

/// Reads the text of a study file.
pub(super) struct Reader<'t> {
    pub text: &'t str,
}

impl Reader<'_> {
    /// All of it.
    pub fn study(&self, path: &Path) -> Result<StudyFile> {
        let root = DeTable::parse(self.text).map_err(|e| {
            Refusal::new(
                "not-toml",
                format!("this is not TOML: {}", e.message()),
                "a study file is lines of `key = value` under `[section]` lines; docs/studies.md shows one",
            )
            .at(e.span(), "here")
        })?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut study = StudyFile {
            path: path.to_owned(),
            text: self.text.to_owned(),
            title: stem,
            base: PathBuf::new(),
            epochs: None,
            seeds: vec![1],
            verify: Verify::None,
            synth: Synth::None,
            grid: Vec::new(),
            list: Vec::new(),
            random: None,
            search: None,
        };
        let mut base = None;
        for (key, value) in root.get_ref() {
            match key.get_ref().as_ref() {
                "title" => study.title = self.text_of(value, "title")?.to_owned(),
                "base" => base = Some(self.text_of(value, "base")?.to_owned()),
                "epochs" => {
                    self.whole(value, "epochs", 1)?;
                    study.epochs = Some(self.setting("training.epochs", key.span(), value)?);
                }
                "seeds" => study.seeds = self.seeds(value)?,
                "verify" => study.verify = self.meaning(value, "verify", Verify::parse)?,
                "synth" => study.synth = self.meaning(value, "synth", Synth::parse)?,
                "grid" => study.grid = self.axes(value, "grid")?,
                "point" => study.list = self.list(value)?,
                "random" => study.random = Some(self.random(value)?),
                "search" => study.search = Some(self.search(value)?),
                other => {
                    let close = nearest(other, KEYS.iter().map(|k| k.0));
                    let close = close.map(|c| format!("did you mean `{c}`? ")).unwrap_or_default();
                    return Err(Refusal::new(
                        "key-unknown",
                        format!("there is no key `{other}` at the top of a study file"),
                        format!("{close}known here: {}; fields to vary go under [grid]", known_keys()),
                    )
                    .at(Some(key.span()), "not known here"));
                }
            }
        }
        let base =
            base.ok_or_else(|| Refusal::new("base-missing", "the study has no `base`", what_is("base")))?;
        study.base = straight(&path.parent().unwrap_or(Path::new("")).join(base));
        let varies = !study.grid.is_empty() || !study.list.is_empty() || study.random.is_some();
        if !varies && study.search.is_none() {
            return Err(Refusal::new(
                "nothing-varied",
                "the study varies nothing",
                "add [grid], [[point]], [random] or [search]; docs/studies.md shows all of them",
            ));
        }
        Ok(study)
    }

    fn text_of<'v>(&self, value: &'v Spanned<DeValue<'_>>, key: &str) -> Result<&'v str> {
        let wrong = || {
            Refusal::new("value-of-wrong-type", format!("`{key}` is not a text"), what_is(key))
                .at(Some(value.span()), "this value")
        };
        value.get_ref().as_str().ok_or_else(wrong)
    }

    fn whole(&self, value: &Spanned<DeValue<'_>>, key: &str, least: u32) -> Result<u32> {
        let number =
            value.get_ref().as_integer().and_then(|i| u32::from_str_radix(i.as_str(), i.radix()).ok());
        number.filter(|&n| n >= least).ok_or_else(|| {
            let help = match KEYS.iter().any(|k| k.0 == key) {
                true => what_is(key),
                false => format!("`{key}` is a whole number from {least} to {}", u32::MAX),
            };
            Refusal::new("value-out-of-range", format!("this is no possible `{key}`"), help)
                .at(Some(value.span()), "this value")
        })
    }

    fn seeds(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<u32>> {
        let Some(list) = value.get_ref().as_array() else {
            return Ok((1..=self.whole(value, "seeds", 1)?).collect());
        };
        let mut seeds = Vec::new();
        for item in list.iter() {
            let seed = self.whole(item, "seeds", 0)?;
            if seeds.contains(&seed) {
                return Err(Refusal::new(
                    "seed-twice",
                    format!("seed {seed} stands here twice"),
                    "keep one of the two",
                )
                .at(Some(item.span()), "again"));
            }
            seeds.push(seed);
        }
        if seeds.is_empty() {
            return Err(
                Refusal::new("seeds-missing", "no seeds", what_is("seeds")).at(Some(value.span()), "empty")
            );
        }
        Ok(seeds)
    }

    /// A text that means something.
    fn meaning<T>(
        &self,
        value: &Spanned<DeValue<'_>>,
        key: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        value.get_ref().as_str().and_then(parse).ok_or_else(|| {
            Refusal::new("value-out-of-range", format!("this is no possible `{key}`"), what_is(key))
                .at(Some(value.span()), "this value")
        })
    }

    /// A setting, its field known to design files.
    fn setting(&self, field: &str, name_at: Span, value: &Spanned<DeValue<'_>>) -> Result<Setting> {
        let (section, key) = field.split_once('.').unwrap_or(("", field));
        if (section, key) == ("training", "seed") {
            return Err(Refusal::new("seeds-not-a-field", "seeds are not a field to vary", what_is("seeds"))
                .at(Some(name_at), "every point is trained with all seeds"));
        }
        if !fields().any(|f| f == (section, key)) {
            let paths: Vec<String> = fields().map(|(s, k)| format!("{s}.{k}")).collect();
            let home = paths.iter().find(|p| p.rsplit('.').next() == Some(key));
            let close = nearest(field, paths.iter().map(String::as_str)).or(home.map(String::as_str));
            let of_section: Vec<_> =
                fields().filter(|f| f.0 == section).map(|f| format!("`{}.{}`", f.0, f.1)).collect();
            let help = match (close, of_section.is_empty()) {
                (Some(c), true) => format!("did you mean `{c}`?"),
                (Some(c), false) => format!("did you mean `{c}`? known: {}", of_section.join(", ")),
                (None, false) => format!("known: {}", of_section.join(", ")),
                (None, true) => {
                    "fields are named by section and key of a design file, such as `formats.weight`"
                        .to_owned()
                }
            };
            return Err(Refusal::new("field-unknown", format!("a design file has no field `{field}`"), help)
                .at(Some(name_at), "not a field"));
        }
        let at = value.span();
        let text = self.text.get(at.clone()).unwrap_or_default().to_owned();
        Ok(Setting { section: section.to_owned(), key: key.to_owned(), value: text, at })
    }

    /// The arrays under a section, by dotted name; deeper tables are longer names.
    fn axes(&self, value: &Spanned<DeValue<'_>>, name: &str) -> Result<Vec<Axis>> {
        let mut axes = Vec::new();
        for (path, key_at, value) in flat(self.table(value, name)?, "") {
            axes.push(self.axis(&path, key_at, value)?);
        }
        Ok(axes)
    }

    fn table<'v, 'i>(&self, value: &'v Spanned<DeValue<'i>>, name: &str) -> Result<&'v DeTable<'i>> {
        value.get_ref().as_table().ok_or_else(|| {
            Refusal::new(
                "section-as-value",
                format!("`{name}` is a section, not a value"),
                format!("write `[{name}]` on a line of its own, its keys below"),
            )
            .at(Some(value.span()), "here")
        })
    }

    fn axis(&self, path: &str, key_at: Span, value: &Spanned<DeValue<'_>>) -> Result<Axis> {
        let list = value.get_ref().as_array().filter(|a| !a.is_empty()).ok_or_else(|| {
            Refusal::new(
                "values-not-a-list",
                format!("`{path}` needs a list of values"),
                format!("write the values in brackets, such as `{path} = [..., ...]`"),
            )
            .at(Some(value.span()), "not a list, or an empty one")
        })?;
        let mut labels = HashSet::new();
        let mut values = Vec::new();
        for item in list.iter() {
            let bundle = match item.get_ref().as_table() {
                Some(table) => self.bundle(table, item.span())?,
                None => {
                    let setting = self.setting(path, key_at.clone(), item)?;
                    Bundle {
                        label: plain(&setting.value),
                        settings: vec![setting],
                        verify: None,
                        synth: None,
                    }
                }
            };
            if !labels.insert(bundle.label.clone()) {
                return Err(Refusal::new(
                    "label-twice",
                    format!("`{path}` has two values called `{}`", bundle.label),
                    "remove one, or give each a `label`",
                )
                .at(Some(item.span()), "again"));
            }
            values.push(bundle);
        }
        Ok(Axis { name: path.to_owned(), values })
    }

    /// Several fields in one table, with a label.
    fn bundle(&self, table: &DeTable<'_>, at: Span) -> Result<Bundle> {
        let mut bundle = Bundle { label: String::new(), settings: Vec::new(), verify: None, synth: None };
        for (path, key_at, value) in flat(table, "") {
            match path.as_str() {
                "label" => bundle.label = self.label(value)?,
                "verify" => bundle.verify = Some(self.meaning(value, "verify", Verify::parse)?),
                "synth" => bundle.synth = Some(self.meaning(value, "synth", Synth::parse)?),
                _ => bundle.settings.push(self.setting(&path, key_at, value)?),
            }
        }
        if bundle.settings.is_empty() && bundle.label.is_empty() {
            return Err(Refusal::new(
                "nothing-set",
                "this sets no field",
                "write fields such as `\"formats.weight\" = \"s12.9\"`",
            )
            .at(Some(at), "sets nothing"));
        }
        if bundle.label.is_empty() {
            bundle.label = bundle.settings.iter().map(|s| plain(&s.value)).collect::<Vec<_>>().join(" ");
        }
        Ok(bundle)
    }

    fn label(&self, value: &Spanned<DeValue<'_>>) -> Result<String> {
        value.get_ref().as_str().map(ToOwned::to_owned).ok_or_else(|| {
            Refusal::new(
                "value-of-wrong-type",
                "`label` is not a text",
                "a label is a text, such as `label = \"8 bits\"`",
            )
            .at(Some(value.span()), "this value")
        })
    }

    fn list(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<Bundle>> {
        let wrong = || {
            Refusal::new("value-of-wrong-type", "`point` is a list of sections", what_is("point"))
                .at(Some(value.span()), "here")
        };
        let list = value.get_ref().as_array().ok_or_else(wrong)?;
        let mut points = Vec::new();
        for item in list.iter() {
            points.push(self.bundle(item.get_ref().as_table().ok_or_else(wrong)?, item.span())?);
        }
        Ok(points)
    }

    fn random(&self, value: &Spanned<DeValue<'_>>) -> Result<Random> {
        let mut random = Random { points: 0, seed: 1, draws: Vec::new() };
        for (key, item) in self.table(value, "random")? {
            match key.get_ref().as_ref() {
                "points" => random.points = self.whole(item, "points", 1)?,
                "seed" => random.seed = self.whole(item, "seed", 0)?,
                "fields" => random.draws = self.draws(self.table(item, "random.fields")?, "")?,
                other => {
                    return Err(Refusal::new(
                        "key-unknown",
                        format!("there is no key `{other}` under [random]"),
                        "known here: `points`, `seed`, and the section [random.fields]",
                    )
                    .at(Some(key.span()), "not known here"));
                }
            }
        }
        if random.points == 0 || random.draws.is_empty() {
            return Err(Refusal::new(
                "random-incomplete",
                "the random sample is not complete",
                what_is("random"),
            )
            .at(Some(value.span()), "`points` and [random.fields] go under this"));
        }
        Ok(random)
    }

    fn search(&self, value: &Spanned<DeValue<'_>>) -> Result<Search> {
        let (mut margin, mut weight, mut state) = (None, None, None);
        for (key, item) in self.table(value, "search")? {
            match key.get_ref().as_ref() {
                "margin" => margin = Some(self.margin(item)?),
                "weight" => weight = Some(self.widths(item, "weight", 2..=32)?),
                "state" => state = Some(self.widths(item, "state", 1..=30)?),
                other => {
                    return Err(Refusal::new(
                        "key-unknown",
                        format!("there is no key `{other}` under [search]"),
                        "known here: `margin`, `weight`, `state`",
                    )
                    .at(Some(key.span()), "not known here"));
                }
            }
        }
        match (margin, weight, state) {
            (Some(margin), Some(weight), Some(state)) => {
                Ok(Search { margin, weight, state, at: value.span() })
            }
            _ => Err(Refusal::new("search-incomplete", "the search is not complete", what_is("search"))
                .at(Some(value.span()), "`margin`, `weight` and `state` go under this")),
        }
    }

    /// Percentage points above 0.
    fn margin(&self, value: &Spanned<DeValue<'_>>) -> Result<f64> {
        let number = match value.get_ref() {
            DeValue::Float(f) => f.as_str().parse().ok(),
            DeValue::Integer(i) => i.as_str().parse().ok(),
            _ => None,
        };
        number.filter(|m: &f64| *m > 0.0 && m.is_finite()).ok_or_else(|| {
            Refusal::new(
                "margin-out-of-range",
                "this is no possible `margin`",
                "write percentage points above 0, such as `margin = 0.5`",
            )
            .at(Some(value.span()), "this value")
        })
    }

    /// From so many bits to so many.
    fn widths(
        &self,
        value: &Spanned<DeValue<'_>>,
        key: &str,
        bounds: RangeInclusive<u32>,
    ) -> Result<RangeInclusive<u32>> {
        let list = value.get_ref().as_array().map(|l| l.iter().collect::<Vec<_>>()).unwrap_or_default();
        if let [low, high] = list[..] {
            let (low, high) = (self.whole(low, "search", 1)?, self.whole(high, "search", 1)?);
            if low <= high && bounds.contains(&low) && bounds.contains(&high) {
                return Ok(low..=high);
            }
        }
        Err(Refusal::new(
            "widths-out-of-range",
            format!("this is no possible `{key}`"),
            format!("write the fewest and the most bits, from {} to {}", bounds.start(), bounds.end()),
        )
        .at(Some(value.span()), "two whole numbers, the smaller one first"))
    }

    fn draws(&self, table: &DeTable<'_>, prefix: &str) -> Result<Vec<Draw>> {
        let mut draws = Vec::new();
        for (key, value) in table {
            let path = joined(prefix, key.get_ref());
            match value.get_ref() {
                DeValue::Table(t) if t.contains_key("from") || t.contains_key("to") => {
                    draws.push(self.between(&path, key.span(), value, t)?);
                }
                DeValue::Table(t) => draws.extend(self.draws(t, &path)?),
                _ => draws.push(Draw::OneOf(self.axis(&path, key.span(), value)?)),
            }
        }
        Ok(draws)
    }

    fn between(
        &self,
        path: &str,
        key_at: Span,
        value: &Spanned<DeValue<'_>>,
        t: &DeTable<'_>,
    ) -> Result<Draw> {
        let help = format!(
            "write `\"{path}\" = {{ from = 0.1, to = 1.0, scale = \"log\" }}`; `scale` may be left out or \"linear\""
        );
        let wrong = |message: String, at: Span| {
            Refusal::new("draw-unusable", message, help.clone()).at(Some(at), "here")
        };
        for key in t.keys() {
            if !["from", "to", "scale"].contains(&key.get_ref().as_ref()) {
                return Err(wrong(format!("a range has no key `{}`", key.get_ref()), key.span()));
            }
        }
        let number = |name: &str| -> Result<(f64, bool)> {
            let Some(v) = t.get(name) else {
                return Err(wrong(format!("the range lacks `{name}`"), value.span()));
            };
            let (text, whole) = match v.get_ref() {
                DeValue::Integer(i) if i.radix() == 10 => (i.as_str(), true),
                DeValue::Float(f) => (f.as_str(), false),
                _ => return Err(wrong(format!("`{name}` is not a number"), v.span())),
            };
            let number = text.parse().ok().filter(|n: &f64| n.is_finite());
            number.map(|n| (n, whole)).ok_or_else(|| wrong(format!("`{name}` is not a number"), v.span()))
        };
        let ((from, a), (to, b)) = (number("from")?, number("to")?);
        let logarithmic = match t.get("scale").map(|s| (s.get_ref().as_str(), s.span())) {
            None | Some((Some("linear"), _)) => false,
            Some((Some("log"), _)) => true,
            Some((_, at)) => return Err(wrong("this is no possible `scale`".to_owned(), at)),
        };
        if from > to || (logarithmic && from <= 0.0) {
            let message =
                if from > to { "`from` is above `to`" } else { "a logarithmic range begins above 0" };
            return Err(wrong(message.to_owned(), value.span()));
        }
        let field = self.setting(path, key_at, value)?;
        Ok(Draw::Between { field, from, to, whole: a && b, logarithmic })
    }
}

/// A path without the detours `folder/..`.
fn straight(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        let name_before = matches!(out.components().next_back(), Some(Component::Normal(_)));
        match part {
            Component::ParentDir if name_before => drop(out.pop()),
            _ => out.push(part),
        }
    }
    out
}

fn joined(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

/// Leaves of nested tables by dotted path, in the order of the file, with the place of the last key.
fn flat<'v, 'i>(table: &'v DeTable<'i>, prefix: &str) -> Vec<(String, Span, &'v Spanned<DeValue<'i>>)> {
    let mut leaves = Vec::new();
    for (key, value) in table {
        let path = joined(prefix, key.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) => leaves.extend(flat(inner, &path)),
            _ => leaves.push((path, key.span(), value)),
        }
    }
    leaves.sort_by_key(|l| l.1.start);
    leaves
}

/// A value without its quotes, for people.
fn plain(value: &str) -> String {
    value.replace(['"', '\''], "").split_whitespace().collect::<Vec<_>>().join(" ")
}
