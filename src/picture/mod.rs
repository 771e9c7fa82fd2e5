//! What all pictures have in common: text that SVG and HTML take as it is, and round marks on an axis; and kernels.

mod kernels;

pub use kernels::{KernelImage, Sheet, kernels_svg};

/// Text safe inside HTML and SVG.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Multiples of 1, 2 or 5 times a power of ten from `low` to `high`, so far apart that there are about `wanted`.
pub fn round_marks(low: f64, high: f64, wanted: f64) -> Vec<f64> {
    let rough = (high - low) / wanted;
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|f| f * decade).into_iter().find(|s| *s >= rough).unwrap_or(rough);
    let first = (low / step).ceil() as i64;
    (first..).map(|k| k as f64 * step).take_while(|v| *v <= high + 1e-9 * step).take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_within() {
        let marks: Vec<String> = round_marks(-0.013, 0.087, 5.0).iter().map(|m| format!("{m:.2}")).collect();
        assert_eq!(marks, ["0.00", "0.02", "0.04", "0.06", "0.08"]);
        assert_eq!(round_marks(0.0, 100.0, 6.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
    }
}
