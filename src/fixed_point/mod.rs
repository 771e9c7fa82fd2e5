//! The arithmetic contract: formats, the one lossy operation, exact intervals, and random bits that are a function.
//!
//! Every value in eqhdl is an integer `raw`; its [`Format`] says that it means `raw * 2^-frac`. The only operation
//! that loses bits is [`Requantise`]: align, then round, then overflow, in that order.

pub mod complex_logistic;
pub mod complex_softmax;
pub mod exact;
mod format;
pub mod gaussian;
mod interval;
mod mix;
mod requantise;
pub mod softmax;

pub use complex_logistic::{ComplexLogistic, ComplexValue};
pub use complex_softmax::ComplexSoftmax;
pub use format::{Format, FormatError};
pub use gaussian::Gaussian;
pub use interval::Interval;
pub use mix::{GOLDEN, Purpose, absorb, lane_bits, row_bits, step_key};
pub use requantise::{Overflow, Requantise, Requantised, Rounding};
pub use softmax::Softmax;
