//! Moves the register behind a product into the multiplier block itself.
//!
//! A block of the ECP5 (MULT18X18D) has a register at its output, which Yosys does not use: products then travel to
//! flip-flops somewhere else before they are held, and that way is the longest of the core. Where every bit of a
//! block's product goes to a flip-flop and nowhere else, and all of these share clock and enable and have no reset, the
//! block's own register takes their place: the same value in the same cycle.

use super::SynthError;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Bits of a block's product.
const PRODUCT: usize = 36;

/// A netlist as Yosys writes it (`write_json`), with registers in its multiplier blocks, and how many flip-flops have
/// gone there.
///
/// # Errors
/// When the text is no netlist with the module `top`.
pub fn absorb_registers(netlist: &str, top: &str) -> Result<(String, usize), SynthError> {
    let bad = |why: String| SynthError::Report { what: "the netlist", why };
    let mut all: Value = serde_json::from_str(netlist).map_err(|e| bad(e.to_string()))?;
    let module = all
        .get_mut("modules")
        .and_then(|m| m.get_mut(top))
        .ok_or_else(|| bad(format!("it has no module {top}")))?;
    let ports: BTreeSet<u64> = bits_of(module.get("ports"), "bits");
    let cells = module
        .get_mut("cells")
        .and_then(Value::as_object_mut)
        .ok_or_else(|| bad("it has no cells".to_owned()))?;
    let readers = readers(cells);
    let blocks: Vec<String> =
        cells.iter().filter(|(_, c)| kind(c) == "MULT18X18D").map(|(n, _)| n.clone()).collect();
    let mut absorbed = 0;
    for block in blocks {
        let Some(register) =
            cells.get(&block).and_then(|c| Register::behind(c, &block, cells, &readers, &ports))
        else {
            continue;
        };
        absorbed += register.flip_flops.len();
        for (bit, flip_flop) in &register.flip_flops {
            let held = cells.remove(flip_flop).and_then(|f| f.pointer("/connections/Q").cloned());
            set(cells, &block, "connections", bit, held.unwrap_or_else(|| json!([])));
        }
        for (port, net) in [("CLK0", register.clock), ("CE0", register.enable), ("RST0", json!(["0"]))] {
            set(cells, &block, "connections", port, net);
            set(cells, &block, "port_directions", port, json!("input"));
        }
        for (parameter, value) in [
            ("REG_OUTPUT_CLK", "CLK0"),
            ("REG_OUTPUT_CE", "CE0"),
            ("REG_OUTPUT_RST", "RST0"),
            ("GSR", "DISABLED"),
        ] {
            set(cells, &block, "parameters", parameter, json!(value));
        }
    }
    Ok((all.to_string(), absorbed))
}

/// What is behind a block.
struct Register {
    clock: Value,
    enable: Value,
    /// Port of the block that is the input of a flip-flop, and which.
    flip_flops: Vec<(String, String)>,
}

impl Register {
    /// The register that holds all of a block's product and nothing else; `None` where there is none.
    fn behind(
        cell: &Value,
        block: &str,
        cells: &Map<String, Value>,
        readers: &BTreeMap<u64, Vec<(String, String)>>,
        ports: &BTreeSet<u64>,
    ) -> Option<Register> {
        let mut shared: Option<(Value, Value)> = None;
        let mut flip_flops = Vec::new();
        for bit in (0..PRODUCT).map(|i| format!("P{i}")) {
            let Some(net) = cell.pointer(&format!("/connections/{bit}/0")).and_then(Value::as_u64) else {
                continue;
            };
            let others: Vec<_> = readers.get(&net).into_iter().flatten().filter(|r| r.0 != block).collect();
            match others.as_slice() {
                [] if !ports.contains(&net) => {}
                [(name, port)] if port == "DI" && !ports.contains(&net) => {
                    let flip_flop = cells.get(name)?;
                    let now = plain(flip_flop)?;
                    if shared.get_or_insert_with(|| now.clone()) != &now {
                        return None;
                    }
                    flip_flops.push((bit, name.clone()));
                }
                _ => return None,
            }
        }
        shared.map(|(clock, enable)| Register { clock, enable, flip_flops })
    }
}

/// Clock and enable of a flip-flop that has both, starts at zero and is never reset; `None` for any other cell.
fn plain(cell: &Value) -> Option<(Value, Value)> {
    let connection = |port: &str| cell.pointer(&format!("/connections/{port}"));
    let parameter = |name: &str| cell.pointer(&format!("/parameters/{name}")).and_then(Value::as_str);
    let constant = connection("LSR").is_none_or(|l| l == &json!(["0"]));
    let plain = kind(cell) == "TRELLIS_FF"
        && parameter("CLKMUX") == Some("CLK")
        && parameter("CEMUX") == Some("CE")
        && parameter("LSRMUX") == Some("LSR")
        && parameter("REGSET") == Some("RESET")
        && constant;
    let enable = connection("CE").filter(|e| e.pointer("/0").is_some_and(Value::is_u64))?;
    plain.then(|| Some((connection("CLK")?.clone(), enable.clone())))?
}

fn kind(cell: &Value) -> &str {
    cell.get("type").and_then(Value::as_str).unwrap_or("")
}

/// The cells, and their ports, on every net.
fn readers(cells: &Map<String, Value>) -> BTreeMap<u64, Vec<(String, String)>> {
    let mut readers: BTreeMap<u64, Vec<(String, String)>> = BTreeMap::new();
    for (name, cell) in cells {
        let connections = cell.get("connections").and_then(Value::as_object);
        for (port, nets) in connections.into_iter().flatten() {
            for net in nets.as_array().into_iter().flatten().filter_map(Value::as_u64) {
                readers.entry(net).or_default().push((name.clone(), port.clone()));
            }
        }
    }
    readers
}

/// The nets of all ports of a module.
fn bits_of(ports: Option<&Value>, key: &str) -> BTreeSet<u64> {
    let ports = ports.and_then(Value::as_object).into_iter().flatten();
    ports
        .flat_map(|(_, p)| {
            p.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64)
        })
        .collect()
}

fn set(cells: &mut Map<String, Value>, cell: &str, group: &str, key: &str, value: Value) {
    if let Some(group) = cells.get_mut(cell).and_then(|c| c.get_mut(group)).and_then(Value::as_object_mut) {
        group.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block of two product bits and their flip-flops, with changes.
    fn netlist(change: impl Fn(&mut Value)) -> String {
        let flip_flop = |d: u64, q: u64| {
            json!({"type": "TRELLIS_FF",
                "parameters": {"CEMUX": "CE", "CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET"},
                "connections": {"CLK": [2], "CE": [3], "LSR": ["0"], "DI": [d], "Q": [q]}})
        };
        let mut all = json!({"modules": {"top": {"ports": {"out": {"bits": [20, 21]}}, "cells": {
            "block": {"type": "MULT18X18D", "parameters": {}, "port_directions": {},
                "connections": {"A0": [5], "B0": [6], "P0": [10], "P1": [11], "P2": [12]}},
            "low": flip_flop(10, 20),
            "high": flip_flop(11, 21),
        }}}});
        change(&mut all);
        all.to_string()
    }

    #[test]
    fn a_product_s_register_moves_into_its_block() {
        let (text, absorbed) = absorb_registers(&netlist(|_| ()), "top").expect("a netlist");
        assert_eq!(absorbed, 2);
        let all: Value = serde_json::from_str(&text).expect("JSON");
        let cells = &all["modules"]["top"]["cells"];
        assert_eq!(cells.as_object().expect("cells").len(), 1);
        let block = &cells["block"];
        assert_eq!(block["connections"]["P0"], json!([20]));
        assert_eq!(block["connections"]["P1"], json!([21]));
        assert_eq!((&block["connections"]["CLK0"], &block["connections"]["CE0"]), (&json!([2]), &json!([3])));
        assert_eq!(block["parameters"]["REG_OUTPUT_CLK"], "CLK0");
    }

    #[test]
    fn what_is_not_the_same_stays() {
        let changes = [
            ("/cells/high/connections/CE", json!([4])),
            ("/cells/high/connections/LSR", json!([7])),
            ("/cells/high/parameters/REGSET", json!("SET")),
            ("/cells/high/connections/CE", json!(["1"])),
            ("/ports/out/bits", json!([10])),
            ("/cells/low/connections/CE", json!([10])),
        ];
        for (path, value) in changes {
            let text = netlist(|all| {
                *all.pointer_mut(&format!("/modules/top{path}")).expect("a place") = value.clone();
            });
            let (_, absorbed) = absorb_registers(&text, "top").expect("a netlist");
            assert_eq!(absorbed, 0, "{path} {value}");
        }
        assert!(absorb_registers("{}", "top").is_err());
    }
}
