//! Line charts as SVG, no more than the studies need.

use crate::picture::{escaped, round_marks};
use std::fmt::Write as _;

/// A line, or points joined by one.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Name in the legend; empty for none.
    pub name: String,
    /// Any SVG colour.
    pub colour: &'static str,
    /// Dashes instead of a full line.
    pub dashed: bool,
    /// Points, in order. Those that a logarithmic axis cannot show are left out.
    pub points: Vec<(f64, f64)>,
}

/// A pair of axes with lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// Above it.
    pub title: String,
    /// Below the horizontal axis.
    pub x_label: String,
    /// Beside the vertical axis.
    pub y_label: String,
    /// Both axes are logarithmic.
    pub logarithmic: bool,
    /// What it shows.
    pub lines: Vec<Line>,
}

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 44.0;

/// Charts side by side, `columns` in a row, as one picture.
pub fn picture(charts: &[Chart], columns: usize) -> String {
    let columns = columns.clamp(1, charts.len().max(1));
    let (width, height) = (WIDTH * columns as f64, HEIGHT * charts.len().div_ceil(columns) as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (k, chart) in charts.iter().enumerate() {
        let (x, y) = (WIDTH * (k % columns) as f64, HEIGHT * (k / columns) as f64);
        let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
        chart.draw(&mut svg);
        svg.push_str("</g>\n");
    }
    svg + "</svg>\n"
}

/// A number, short.
fn short(v: f64) -> String {
    if v == 0.0 {
        "0".into()
    } else if (1e-3..1e4).contains(&v.abs()) {
        let text = format!("{v:.4}");
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        format!("{v:.0e}")
    }
}

/// An axis: where values lie between 0 and 1, and where its marks are.
struct Axis {
    low: f64,
    high: f64,
    marks: Vec<(f64, String)>,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>, logarithmic: bool) -> Axis {
        let (mut low, mut high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low < 1e-12 * high.abs().max(1e-300) {
            (low, high) = (low - 0.5 * low.abs().max(1e-9), high + 0.5 * high.abs().max(1e-9));
        }
        if logarithmic {
            // Whole decades; values are logarithms already.
            (low, high) = (low.floor(), high.ceil().max(low.floor() + 1.0));
            let every = ((high - low) / 8.0).ceil().max(1.0) as usize;
            let marks =
                (low as i64..=high as i64).step_by(every).map(|d| (d as f64, format!("1e{d}"))).collect();
            return Axis { low, high, marks };
        }
        let marks = round_marks(low, high, 5.0).into_iter().map(|v| (v, short(v)));
        Axis { low, high, marks: marks.collect() }
    }

    fn place(&self, v: f64) -> f64 {
        (v - self.low) / (self.high - self.low)
    }
}

impl Chart {
    fn draw(&self, svg: &mut String) {
        let scale = |v: f64| if self.logarithmic { v.log10() } else { v };
        let lines: Vec<Vec<(f64, f64)>> = self
            .lines
            .iter()
            .map(|l| {
                let scaled = l.points.iter().map(|&(x, y)| (scale(x), scale(y)));
                scaled.filter(|(x, y)| x.is_finite() && y.is_finite()).collect()
            })
            .collect();
        let x = Axis::of(lines.iter().flatten().map(|p| p.0), self.logarithmic);
        let y = Axis::of(lines.iter().flatten().map(|p| p.1), self.logarithmic);
        let (w, h) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        let px = |v: f64| LEFT + w * x.place(v);
        let py = |v: f64| TOP + h * (1.0 - y.place(v));
        let text = |svg: &mut String, x: f64, y: f64, anchor: &str, text: &str| {
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
                escaped(text)
            );
        };
        for (v, name) in &x.marks {
            let at = px(*v);
            let _ =
                writeln!(svg, "<path d=\"M{at:.1} {TOP} V{:.1}\" stroke=\"#ddd\" fill=\"none\"/>", TOP + h);
            text(svg, at, TOP + h + 15.0, "middle", name);
        }
        for (v, name) in &y.marks {
            let at = py(*v);
            let _ =
                writeln!(svg, "<path d=\"M{LEFT} {at:.1} H{:.1}\" stroke=\"#ddd\" fill=\"none\"/>", LEFT + w);
            text(svg, LEFT - 5.0, at + 4.0, "end", name);
        }
        let _ = writeln!(
            svg,
            "<rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{w}\" height=\"{h}\" fill=\"none\" stroke=\"black\"/>"
        );
        text(svg, LEFT + w / 2.0, 17.0, "middle", &self.title);
        text(svg, LEFT + w / 2.0, HEIGHT - 10.0, "middle", &self.x_label);
        let _ = writeln!(
            svg,
            "<text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            TOP + h / 2.0,
            escaped(&self.y_label)
        );
        // Errors on logarithmic axes leave the lower right corner free.
        let count = self.lines.iter().filter(|l| !l.name.is_empty()).count() as f64;
        let corner = if self.logarithmic {
            (LEFT + w - 125.0, TOP + h - 14.0 * count + 4.0)
        } else {
            (LEFT + 8.0, TOP + 14.0)
        };
        let mut named = 0.0;
        for (line, points) in self.lines.iter().zip(&lines) {
            let path: Vec<String> = points.iter().map(|p| format!("{:.1},{:.1}", px(p.0), py(p.1))).collect();
            let dash = if line.dashed { " stroke-dasharray=\"5 3\"" } else { "" };
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"{dash}/>",
                path.join(" "),
                line.colour
            );
            if !line.name.is_empty() {
                let (from, at) = (corner.0, corner.1 + 14.0 * named);
                let _ = writeln!(
                    svg,
                    "<path d=\"M{from:.1} {:.1} h18\" stroke=\"{}\" stroke-width=\"2\"{dash}/>",
                    at - 4.0,
                    line.colour
                );
                text(svg, from + 22.0, at, "start", &line.name);
                named += 1.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_shows_its_lines_and_leaves_out_what_it_cannot() {
        let line = Line {
            name: "a < b".into(),
            colour: "red",
            dashed: true,
            points: vec![(1e-3, 1e-6), (1e-2, 0.0), (1e-1, 1e-2)],
        };
        let chart = Chart { logarithmic: true, lines: vec![line], ..Chart::default() };
        let svg = picture(&[chart.clone(), chart, Chart::default()], 2);
        assert!(
            svg.contains("a &lt; b") && svg.contains("1e-6") && !svg.contains("NaN") && !svg.contains("inf")
        );
        let first = svg.split("polyline points=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(first.split(' ').count(), 2, "zero has no logarithm");
        assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count());
    }

    #[test]
    fn marks_are_round_and_within() {
        let axis = Axis::of([-0.013, 0.087].into_iter(), false);
        let marks: Vec<&str> = axis.marks.iter().map(|m| m.1.as_str()).collect();
        assert_eq!(marks, ["0", "0.02", "0.04", "0.06", "0.08"]);
        assert!(Axis::of([2.0, 2.0].into_iter(), false).low < 2.0);
    }
}
