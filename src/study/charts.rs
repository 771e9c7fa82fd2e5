//! Pictures as inline SVG that take their colours from the page, so that they are light, dark or printed as it is.

use crate::picture::{escaped, round_marks};
use std::fmt::Write as _;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 46.0;
/// Colours that the page defines, as classes `c0` and on.
pub const COLOURS: usize = 8;

/// A point of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Abscissa.
    pub x: f64,
    /// Ordinate.
    pub y: f64,
    /// Smallest and largest ordinate, where it is a mean.
    pub spread: Option<(f64, f64)>,
    /// What pointing at it shows.
    pub title: String,
    /// The table's row that it leads to.
    pub row: String,
}

/// Points that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name in the legend; nothing for none.
    pub name: String,
    /// Which colour.
    pub colour: usize,
    /// Joined by a line.
    pub line: bool,
    /// With a dot for every point.
    pub dots: bool,
    /// In the background.
    pub faint: bool,
    /// The points, by rising abscissa where they are joined.
    pub marks: Vec<Mark>,
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// Heading.
    pub title: String,
    /// Below it: what to look for.
    pub note: String,
    /// Name of the abscissa.
    pub x_label: String,
    /// Name of the ordinate.
    pub y_label: String,
    /// Contents.
    pub series: Vec<Series>,
}

struct Scale {
    lo: f64,
    hi: f64,
    log: bool,
    from: f64,
    to: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64> + Clone, log_above: f64, from: f64, to: f64) -> Scale {
        let finite = values.filter(|v| v.is_finite());
        let (mut lo, mut hi) =
            finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if lo > hi {
            (lo, hi) = (0.0, 1.0);
        }
        let log = lo > 0.0 && hi / lo > log_above;
        if log {
            (lo, hi) = (lo / 1.15, hi * 1.15);
        } else {
            let pad = if hi > lo { 0.06 * (hi - lo) } else { 0.5 * hi.abs().max(1.0) };
            let floor = if lo >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
            (lo, hi) = ((lo - pad).max(floor), hi + pad);
        }
        Scale { lo, hi, log, from, to }
    }

    fn at(&self, v: f64) -> f64 {
        let part = if self.log {
            (v.max(self.lo) / self.lo).ln() / (self.hi / self.lo).ln()
        } else {
            (v - self.lo) / (self.hi - self.lo)
        };
        self.from + part * (self.to - self.from)
    }

    fn ticks(&self) -> Vec<f64> {
        if self.log {
            let decades = (self.hi / self.lo).log10();
            let steps: &[f64] = if decades > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
            let first = self.lo.log10().floor() as i32;
            let all = (first..=self.hi.log10().ceil() as i32)
                .flat_map(|d| steps.iter().map(move |s| s * 10f64.powi(d)));
            return all.filter(|t| (self.lo..=self.hi).contains(t)).collect();
        }
        round_marks(self.lo, self.hi, 6.0)
    }
}

/// A number as an axis shows it.
pub fn short(v: f64) -> String {
    let a = v.abs();
    if a >= 1e6 {
        format!("{} M", (v / 1e4).round() / 100.0)
    } else if a >= 1e4 {
        format!("{} k", (v / 10.0).round() / 100.0)
    } else if a >= 10.0 {
        format!("{}", (v * 10.0).round() / 10.0)
    } else {
        format!("{}", (v * 1e4).round() / 1e4)
    }
}

/// The picture, scaling with the page.
pub fn svg(plot: &Plot) -> String {
    let marks = || plot.series.iter().flat_map(|s| &s.marks);
    let x = Scale::of(marks().map(|m| m.x), 30.0, LEFT, WIDTH - RIGHT);
    let ordinates = marks().flat_map(|m| {
        let (lo, hi) = m.spread.unwrap_or((m.y, m.y));
        [lo, m.y, hi]
    });
    let y = Scale::of(ordinates, 8.0, HEIGHT - BOTTOM, TOP);
    let mut out = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n",
        escaped(&plot.title)
    );
    for t in x.ticks() {
        let p = x.at(t);
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{p:.1}\" x2=\"{p:.1}\" y1=\"{TOP}\" y2=\"{b}\"/><text class=\"tick\" text-anchor=\"middle\" x=\"{p:.1}\" y=\"{}\">{}</text>",
            HEIGHT - BOTTOM + 16.0,
            short(t),
            b = HEIGHT - BOTTOM,
        );
    }
    for t in y.ticks() {
        let p = y.at(t);
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{p:.1}\" y2=\"{p:.1}\"/><text class=\"tick\" text-anchor=\"end\" x=\"{}\" y=\"{:.1}\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            p + 4.0,
            short(t),
        );
    }
    let _ = writeln!(
        out,
        "<text class=\"name\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{}\">{}</text><text class=\"name\" text-anchor=\"middle\" transform=\"translate(14 {:.1}) rotate(-90)\">{}</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 8.0,
        escaped(&plot.x_label),
        (TOP + HEIGHT - BOTTOM) / 2.0,
        escaped(&plot.y_label),
    );
    for s in &plot.series {
        series(&mut out, s, &x, &y);
    }
    out.push_str("</svg>");
    out
}

fn series(out: &mut String, s: &Series, x: &Scale, y: &Scale) {
    let faint = if s.faint { " faint" } else { "" };
    let _ = write!(out, "<g class=\"c{}{faint}\">", s.colour % COLOURS);
    let drawn: Vec<&Mark> = s.marks.iter().filter(|m| m.x.is_finite() && m.y.is_finite()).collect();
    if s.line && drawn.len() > 1 {
        let places: Vec<String> =
            drawn.iter().map(|m| format!("{:.1},{:.1}", x.at(m.x), y.at(m.y))).collect();
        let _ = write!(out, "<polyline points=\"{}\"/>", places.join(" "));
    }
    for m in drawn {
        let p = x.at(m.x);
        if let Some((lo, hi)) = m.spread.filter(|(lo, hi)| lo < hi) {
            let _ = write!(
                out,
                "<line x1=\"{p:.1}\" x2=\"{p:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
                y.at(lo),
                y.at(hi)
            );
        }
        if s.dots {
            let _ = write!(
                out,
                "<a href=\"#{}\"><circle cx=\"{p:.1}\" cy=\"{:.1}\" r=\"4\"><title>{}</title></circle></a>",
                escaped(&m.row),
                y.at(m.y),
                escaped(&m.title)
            );
        }
    }
    out.push_str("</g>\n");
}
