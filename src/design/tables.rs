//! The contents of the activation tables: computed once, here, and handed as integers to the model and the hardware.

use super::{Activation, Design, Dynamics};
use crate::fixed_point::Format;
use crate::fixed_point::exact;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// `1 / (1 + exp(-4x + 2))`, the field's sigmoid (algorithms.md section 0), in floats: for the oracle, not for tables.
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-4.0 * x + 2.0).exp())
}

/// A function tabulated over every bit pattern of a format; entry `i` belongs to the value whose low bits are `i`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Format of the index.
    pub from: Format,
    /// Format of the entries.
    pub to: Format,
    /// Raw entries, `2^from.width` of them.
    pub entries: Arc<[i32]>,
}

/// What is tabulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Function {
    Logistic,
    Slope,
}

/// Tables made so far: a study makes hundreds of networks of the same few formats.
static MADE: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);

type Made = HashMap<(Function, Format, Format), Arc<[i32]>>;

/// Most tables that are kept.
const KEPT: usize = 64;

impl Table {
    fn of(from: Format, to: Format, function: Function) -> Table {
        let made = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entries) = made().get(&(function, from, to)) {
            return Table { from, to, entries: Arc::clone(entries) };
        }
        let f = match function {
            Function::Logistic => exact::logistic,
            Function::Slope => exact::logistic_slope,
        };
        let size = 1i64 << from.width;
        let value = |pattern: i64| if pattern > from.max_raw() { pattern - size } else { pattern };
        let entries: Arc<[i32]> = (0..size).map(|i| f(from.to_real(value(i))).nearest(to) as i32).collect();
        let mut made = made();
        if made.len() >= KEPT {
            made.clear();
        }
        made.insert((function, from, to), Arc::clone(&entries));
        Table { from, to, entries }
    }

    /// The entry of a raw value.
    #[inline]
    pub fn at(&self, raw: i64) -> i64 {
        i64::from(self.entries[raw as usize & (self.entries.len() - 1)])
    }
}

/// The tables of one layer of neurons; `None` where the activation is arithmetic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// `rho`, from the drive to the state (prototypical and leaky dynamics).
    pub rho_of_drive: Option<Table>,
    /// `rho`, from the state to the activity (energy-based dynamics).
    pub rho_of_state: Option<Table>,
    /// `rho'`, from the state (energy-based dynamics, hidden layers).
    pub slope_of_state: Option<Table>,
}

impl Tables {
    /// The tables of layer `l` (1 to L).
    pub fn of(design: &Design, l: usize) -> Tables {
        if design.activation_of(l) != Activation::Logistic {
            return Tables::default();
        }
        let n = design.neurons[l - 1];
        match design.dynamics {
            Dynamics::Prototypical | Dynamics::Leaky => Tables {
                rho_of_drive: Some(Table::of(n.drive, n.state, Function::Logistic)),
                ..Tables::default()
            },
            Dynamics::Energy => Tables {
                rho_of_drive: None,
                rho_of_state: Some(Table::of(n.state, n.state, Function::Logistic)),
                slope_of_state: (l < design.output_layer())
                    .then(|| Table::of(n.state, n.state, Function::Slope)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_indexed_by_bit_pattern() {
        let t = Table::of(Format::signed(6, 3), Format::unsigned(8, 8), Function::Logistic);
        assert_eq!(t.entries.len(), 64);
        assert_eq!(t.at(4), 128, "rho(0.5) = 0.5");
        assert_eq!(t.at(-32), 0);
        assert_eq!(t.at(31), 255, "saturates below one");
    }
}
