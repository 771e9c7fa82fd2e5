//! Studies: many trainings of one network with different formats, rules and constants, what each costs, and a report.
//!
//! [`file`] reads a study, [`points`] makes design texts of it (through [`edit`]), [`plan`] gives each its samples and
//! its [`address`], [`run`] trains them into a [`store`] and has [`verify`] hold some against the hardware and [`place`] put some on a device, [`table`]
//! gathers results beside their [`cost`], [`report`] writes them down ([`html`], with [`charts`] and a [`pareto`]
//! front), and [`engine`] hands points to other machines.

pub mod address;
pub mod charts;
pub mod cost;
pub mod edit;
pub mod engine;
pub mod file;
pub mod html;
pub mod pareto;
pub mod place;
pub mod plan;
pub mod points;
pub mod report;
pub mod run;
pub mod search;
pub mod store;
pub mod table;
pub mod verify;
