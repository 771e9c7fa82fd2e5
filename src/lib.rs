//! eqhdl: networks trained by Equilibrium Propagation, as a bit-accurate model, as synthesizable Verilog, and the
//! proof that the two agree over a whole training.
//!
//! Data flows from top to bottom, and a module only knows the modules above it: [`fixed_point`], [`network`], [`design`],
//! [`data`], [`rules`], [`schedule`], [`reference`](mod@reference), [`oracle`],
//! [`gradient`], [`verilog`], [`coverage`], [`cosim`], [`bus`], [`synth`], [`study`], [`cli`].

// Everything goes through cli::say, which knows what may be lost and what may not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod bus;
pub mod cli;
pub mod cosim;
pub mod coverage;
pub mod data;
pub mod design;
pub mod fixed_point;
pub mod gradient;
pub mod lock;
pub mod network;
pub mod oracle;
mod picture;
pub mod process;
pub mod reference;
pub mod rules;
pub mod schedule;
pub mod signals;
pub mod study;
pub mod synth;
pub mod verilog;
pub mod whole;
