//! How far a gradient estimate is from a gradient.

/// Relative error, cosine and sign agreement of an estimate, gathered from pairs of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    error: f64,
    estimate: f64,
    truth: f64,
    product: f64,
    same: usize,
    count: usize,
}

impl Agreement {
    /// Of two vectors of equal length.
    pub fn of(estimate: impl IntoIterator<Item = f64>, truth: impl IntoIterator<Item = f64>) -> Agreement {
        let mut a = Agreement::default();
        for (e, t) in estimate.into_iter().zip(truth) {
            a.add(e, t);
        }
        a
    }

    /// One more pair.
    pub fn add(&mut self, estimate: f64, truth: f64) {
        self.error += (estimate - truth).powi(2);
        self.estimate += estimate * estimate;
        self.truth += truth * truth;
        self.product += estimate * truth;
        // Opposite signs disagree; a zero disagrees with nothing (algorithms 1.5).
        self.same += usize::from(estimate * truth >= 0.0);
        self.count += 1;
    }

    /// Everything that another one has gathered, too.
    pub fn join(&mut self, other: &Agreement) {
        self.error += other.error;
        self.estimate += other.estimate;
        self.truth += other.truth;
        self.product += other.product;
        self.same += other.same;
        self.count += other.count;
    }

    /// `|estimate - truth| / |truth|`; none where the truth vanishes.
    pub fn relative_error(&self) -> Option<f64> {
        (self.truth > 0.0).then(|| (self.error / self.truth).sqrt())
    }

    /// Cosine of the angle between the two; none where one vanishes.
    pub fn cosine(&self) -> Option<f64> {
        let sizes = self.estimate.sqrt() * self.truth.sqrt();
        (sizes > 0.0).then(|| (self.product / sizes).clamp(-1.0, 1.0))
    }

    /// Share of pairs that do not have opposite signs, 0 to 1.
    pub fn sign_agreement(&self) -> Option<f64> {
        (self.count > 0).then(|| self.same as f64 / self.count as f64)
    }

    /// Norm of the truth.
    pub fn truth_norm(&self) -> f64 {
        self.truth.sqrt()
    }

    /// Norm of the estimate.
    pub fn estimate_norm(&self) -> f64 {
        self.estimate.sqrt()
    }
}

/// Curves smaller than this count as resting: movements left over from settling say nothing.
const RESTING: f64 = 1e-10;

/// Distance of two curves over time, Ernoult et al. 2019: `sqrt(sum (f - g)^2)` over the larger of `sqrt(sum f^2)` and
/// `sqrt(sum g^2)`, plus 1e-10 as in the program of Laborieux et al. 2021; so zero if both vanish.
pub fn rmse(f: impl IntoIterator<Item = f64>, g: impl IntoIterator<Item = f64>) -> f64 {
    let a = Agreement::of(f, g);
    a.error.sqrt() / (a.estimate.max(a.truth).sqrt() + RESTING)
}

/// The slope of `ln y` over `ln x` by least squares; none with fewer than two points above zero.
pub fn log_log_slope(points: &[(f64, f64)]) -> Option<f64> {
    let logs: Vec<(f64, f64)> =
        points.iter().filter(|(x, y)| *x > 0.0 && *y > 0.0).map(|(x, y)| (x.ln(), y.ln())).collect();
    let n = logs.len() as f64;
    let (mx, my) = (logs.iter().map(|p| p.0).sum::<f64>() / n, logs.iter().map(|p| p.1).sum::<f64>() / n);
    let spread: f64 = logs.iter().map(|p| (p.0 - mx).powi(2)).sum();
    let slope = logs.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>() / spread;
    (logs.len() > 1 && spread > 0.0).then_some(slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_of_known_vectors() {
        let a = Agreement::of([3.0, 4.0, 0.0], [3.0, -4.0, 1.0]);
        assert!((a.relative_error().unwrap() - (65.0f64 / 26.0).sqrt()).abs() < 1e-15);
        assert!((a.cosine().unwrap() + 7.0 / (5.0 * 26.0f64.sqrt())).abs() < 1e-15);
        assert_eq!(a.sign_agreement(), Some(2.0 / 3.0));
        assert_eq!(Agreement::of([1.0], [0.0]).relative_error(), None);
    }

    #[test]
    fn rmse_lies_between_equal_and_opposite() {
        assert_eq!(rmse([1.0, 2.0], [1.0, 2.0]), 0.0);
        assert!((rmse([1.0, 2.0], [-1.0, -2.0]) - 2.0).abs() < 1e-9);
        assert_eq!(rmse([0.0], [0.0]), 0.0);
        assert!((rmse([0.0, 0.0], [5.0, 1.0]) - 1.0).abs() < 1e-9);
        assert!(rmse([0.0, 0.0], [1e-20, 0.0]) < 1e-9);
    }

    #[test]
    fn powers_have_their_exponent_as_slope() {
        let points: Vec<_> = (1..9).map(|k| (f64::from(k), 3.0 * f64::from(k).powi(2))).collect();
        assert!((log_log_slope(&points).unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(log_log_slope(&points[..1]), None);
    }
}
