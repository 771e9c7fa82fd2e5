//! What a comparison has exercised: EQUAL says nothing of what the samples never made the hardware do.
//!
//! A *point* is something that can happen in a place: a drive of layer 1 that goes beyond the greatest number, a phase that
//! ends because nothing moves, a kernel that hangs over the left side of its map. The points of a design come from the
//! description of its network, its formats and its program; each is exercised, or never was, or cannot be (and the interval
//! that proves it is named).
//!
//! Some points are seen in every sample that is compared. Those of the arithmetic are seen where the specification
//! ([`Golden`](crate::reference::golden::Golden)) runs a sample once more beside the model that is compared ([`Look`]);
//! that also holds the two models against each other.

mod collect;
mod edges;
mod html;
mod leaves;
mod look;
mod report;

pub use leaves::{LEAVES, Shown};
pub use look::{Disagree, Look, Looking, PortsExercised};
pub use report::{Group, Point, Report, State, Unlike, Width};
