//! Kernels as images: what a layer has learnt, and how far that is from another account of it.

use super::escaped;
use std::fmt::Write as _;

/// The weights of one kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelImage {
    /// Rows, columns, channels below.
    pub size: (usize, usize, usize),
    /// Real values: row by row, column by column, channels innermost.
    pub values: Vec<f64>,
}

/// Kernels drawn on one scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// What they are.
    pub title: String,
    /// One for each channel above.
    pub kernels: Vec<KernelImage>,
}

impl Sheet {
    /// The largest magnitude, which is drawn in full colour.
    pub fn scale(&self) -> f64 {
        self.kernels.iter().flat_map(|k| &k.values).fold(0.0, |most, v| v.abs().max(most))
    }
}

/// Side of a kernel, in pixels of the picture.
const SIDE: f64 = 60.0;
const GAP: f64 = 8.0;
const MARGIN: f64 = 24.0;
/// Of a title's line.
const LINE: f64 = 22.0;
/// Kernels beside each other.
const COLUMNS: usize = 8;

/// The sheets under each other, as SVG. Red is above zero, blue below, white zero; each sheet has its own scale. Of a kernel
/// that sees several channels each is drawn, from the left, but three are drawn as one colour.
pub fn kernels_svg(heading: &str, sheets: &[Sheet]) -> String {
    let tiles = |k: &KernelImage| if k.size.2 == 3 { 1 } else { k.size.2 };
    let widest = sheets.iter().flat_map(|s| &s.kernels).map(tiles).max().unwrap_or(1);
    let step = widest as f64 * SIDE + GAP;
    let rows = |s: &Sheet| s.kernels.len().div_ceil(COLUMNS);
    let height: f64 = sheets.iter().map(|s| rows(s) as f64 * (SIDE + GAP) + 2.0 * LINE).sum::<f64>() + LINE;
    let (width, height) = (2.0 * MARGIN + COLUMNS as f64 * step, height + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" font-family=\"sans-serif\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"{:.0}\" font-size=\"15\" font-weight=\"bold\">{}</text>\n",
        MARGIN + 12.0,
        escaped(heading),
    );
    let mut top = MARGIN + 2.0 * LINE;
    for sheet in sheets {
        let scale = sheet.scale();
        let _ = writeln!(
            svg,
            "<text x=\"{MARGIN}\" y=\"{:.0}\" font-size=\"13\">{}; full colour: {scale:.4}</text>",
            top - 8.0,
            escaped(&sheet.title)
        );
        for (at, kernel) in sheet.kernels.iter().enumerate() {
            let corner = (MARGIN + (at % COLUMNS) as f64 * step, top + (at / COLUMNS) as f64 * (SIDE + GAP));
            draw(&mut svg, kernel, scale, corner);
        }
        top += rows(sheet) as f64 * (SIDE + GAP) + 2.0 * LINE;
    }
    svg + "</svg>\n"
}

fn draw(svg: &mut String, kernel: &KernelImage, scale: f64, (left, top): (f64, f64)) {
    let (rows, columns, channels) = kernel.size;
    let side = SIDE / rows.max(columns) as f64;
    let tiles = if channels == 3 { 1 } else { channels };
    for tile in 0..tiles {
        let left = left + tile as f64 * SIDE;
        for row in 0..rows {
            for column in 0..columns {
                let values = &kernel.values[(row * columns + column) * channels..][..channels];
                let colour = match values {
                    [red, green, blue] => mixed([*red, *green, *blue], scale),
                    _ => diverging(values[tile], scale),
                };
                let _ = writeln!(
                    svg,
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{side:.1}\" height=\"{side:.1}\" fill=\"{colour}\"/>",
                    left + column as f64 * side,
                    top + row as f64 * side,
                );
            }
        }
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"none\" stroke=\"#999999\" stroke-width=\"0.5\"/>",
            columns as f64 * side,
            rows as f64 * side,
        );
    }
}

/// From blue by white to red.
fn diverging(value: f64, scale: f64) -> String {
    let part = if scale > 0.0 { (value / scale).clamp(-1.0, 1.0) } else { 0.0 };
    let towards = |end: f64| (255.0 + (end - 255.0) * part.abs()).round() as u8;
    let [red, green, blue] =
        if part >= 0.0 { [178.0, 24.0, 43.0] } else { [33.0, 102.0, 172.0] }.map(towards);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Three channels as red, green and blue around grey.
fn mixed(values: [f64; 3], scale: f64) -> String {
    let level =
        |v: f64| if scale > 0.0 { (127.5 + 127.5 * (v / scale).clamp(-1.0, 1.0)).round() as u8 } else { 128 };
    let [red, green, blue] = values.map(level);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_the_scale() {
        assert_eq!(diverging(0.0, 1.0), "#ffffff");
        assert_eq!(diverging(2.0, 2.0), "#b2182b");
        assert_eq!(diverging(-2.0, 2.0), "#2166ac");
        assert_eq!(diverging(1.0, 0.0), "#ffffff");
        assert_eq!(mixed([1.0, 0.0, -1.0], 1.0), "#ff8000");
    }

    #[test]
    fn every_weight_of_every_kernel_is_drawn_in_its_place() {
        let kernel = |channels: usize| KernelImage {
            size: (2, 2, channels),
            values: (0..4 * channels).map(|v| v as f64).collect(),
        };
        let sheet = |channels| Sheet { title: "a < b".to_owned(), kernels: vec![kernel(channels); 9] };
        for (channels, tiles) in [(1, 1), (2, 2), (3, 1)] {
            let svg = kernels_svg("h", &[sheet(channels), sheet(channels)]);
            // A rectangle for the ground, one for each weight, one around each tile.
            assert_eq!(svg.matches("<rect").count(), 1 + 2 * 9 * tiles * (4 + 1), "{channels}");
            assert!(svg.contains("a &lt; b"));
            // The ninth kernel begins a second row.
            assert!(svg.contains("x=\"24.0\" y=\"136.0\""), "{svg}");
        }
        // Rows run downwards, columns to the right; the largest value is the last.
        let svg = kernels_svg("h", &[Sheet { title: String::new(), kernels: vec![kernel(1)] }]);
        assert!(
            svg.contains("<rect x=\"54.0\" y=\"98.0\" width=\"30.0\" height=\"30.0\" fill=\"#b2182b\"/>"),
            "{svg}"
        );
        assert!(
            svg.contains("<rect x=\"24.0\" y=\"68.0\" width=\"30.0\" height=\"30.0\" fill=\"#ffffff\"/>"),
            "{svg}"
        );
    }
}
