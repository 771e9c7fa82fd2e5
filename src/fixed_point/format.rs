//! Number formats, as written in design files: `"s16.12"` is signed, 16 bits in all, 12 of them fraction.

use std::fmt;
use std::str::FromStr;

/// A fixed-point format. A value is an integer `raw` of `width` bits; its real value is `raw * 2^-frac`.
///
/// `frac` may be negative or exceed `width`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Format {
    /// Two's complement when true, otherwise non-negative.
    pub signed: bool,
    /// Bits in all, sign included: 1 to 32.
    pub width: u32,
    /// Bits of fraction.
    pub frac: i32,
}

/// Why a text is not a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a number format: {reason}; write for example \"s16.12\" (signed, 16 bits in all, 12 of them fraction) or \"u8.8\""
)]
pub struct FormatError {
    text: String,
    reason: &'static str,
}

impl Format {
    /// A signed format.
    pub const fn signed(width: u32, frac: i32) -> Self {
        Format { signed: true, width, frac }
    }

    /// An unsigned format.
    pub const fn unsigned(width: u32, frac: i32) -> Self {
        Format { signed: false, width, frac }
    }

    /// Smallest raw value.
    pub const fn min_raw(self) -> i64 {
        if self.signed { -(1i64 << (self.width - 1)) } else { 0 }
    }

    /// Largest raw value.
    pub const fn max_raw(self) -> i64 {
        if self.signed { (1i64 << (self.width - 1)) - 1 } else { (1i64 << self.width) - 1 }
    }

    /// Real value of a raw integer.
    pub fn to_real(self, raw: i64) -> f64 {
        raw as f64 * 2f64.powi(-self.frac)
    }

    /// The nearest raw value to `value` (ties away from zero), clamped to the range. For constants and data, which
    /// are quantised once, by software.
    pub fn nearest(self, value: f64) -> i64 {
        let scaled = (value * 2f64.powi(self.frac)).round();
        scaled.clamp(self.min_raw() as f64, self.max_raw() as f64) as i64
    }

    /// True when `raw` is representable.
    pub const fn contains(self, raw: i64) -> bool {
        self.min_raw() <= raw && raw <= self.max_raw()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}.{}", if self.signed { 's' } else { 'u' }, self.width, self.frac)
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |reason| FormatError { text: text.to_owned(), reason };
        let signed = match text.chars().next() {
            Some('s') => true,
            Some('u') => false,
            _ => return Err(fail("it begins with `s` (signed) or `u` (unsigned)")),
        };
        let (width, frac) =
            text[1..].split_once('.').ok_or_else(|| fail("width and fraction are parted by a point"))?;
        let width: u32 = width.parse().map_err(|_| fail("the width is a whole number"))?;
        let frac: i32 = frac.parse().map_err(|_| fail("the fraction is a whole number"))?;
        if !(1..=32).contains(&width) {
            return Err(fail("the width is 1 to 32 bits"));
        }
        if !(-64..=64).contains(&frac) {
            return Err(fail("the fraction is -64 to 64 bits"));
        }
        let format = Format { signed, width, frac };
        // One spelling each: no leading zeros, no plus.
        if format.to_string() != text {
            return Err(fail("its numbers have no plus sign and no leading zeros"));
        }
        Ok(format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip_and_ranges_are_two_complement() {
        for text in ["s16.12", "u8.8", "s1.0", "u32.40", "s8.-3"] {
            assert_eq!(text.parse::<Format>().unwrap().to_string(), text);
        }
        let f: Format = "s16.12".parse().unwrap();
        assert_eq!((f.min_raw(), f.max_raw()), (-32768, 32767));
        assert_eq!(f.nearest(1.0), 4096);
        assert_eq!(f.nearest(100.0), 32767);
    }

    #[test]
    fn foreign_texts_are_refused_with_a_reason() {
        for text in
            ["", "16.12", "s33.0", "s0.0", "sx.1", "s16", "ü8.8", "s+16.13", "s016.013", "s16.+13", "s8.-0"]
        {
            assert!(text.parse::<Format>().is_err(), "{text}");
        }
    }
}
