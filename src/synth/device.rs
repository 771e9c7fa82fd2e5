//! The devices that a core can be placed on, and what they have.

use std::fmt;
use std::str::FromStr;

/// A family of devices: one synthesis command, one place-and-route program, one set of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Lattice ECP5.
    Ecp5,
    /// Lattice iCE40 UltraPlus.
    Ice40,
}

/// What a device has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Four-input look-up tables.
    pub lut4: usize,
    /// Flip-flops.
    pub ff: usize,
    /// Multiplier blocks.
    pub dsp: usize,
    /// Block RAMs.
    pub block_ram: usize,
}

/// A device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// LFE5U-25F.
    Ecp5_25k,
    /// LFE5U-45F.
    Ecp5_45k,
    /// LFE5U-85F.
    Ecp5_85k,
    /// iCE40 UP5K.
    Up5k,
}

impl Device {
    /// Its family.
    pub fn family(self) -> Family {
        if self == Device::Up5k { Family::Ice40 } else { Family::Ecp5 }
    }

    /// What it has, as nextpnr counts it.
    pub fn resources(self) -> Resources {
        match self {
            Device::Ecp5_25k => Resources { lut4: 24_288, ff: 24_288, dsp: 28, block_ram: 56 },
            Device::Ecp5_45k => Resources { lut4: 43_848, ff: 43_848, dsp: 72, block_ram: 108 },
            Device::Ecp5_85k => Resources { lut4: 83_640, ff: 83_640, dsp: 156, block_ram: 208 },
            Device::Up5k => Resources { lut4: 5_280, ff: 5_280, dsp: 8, block_ram: 30 },
        }
    }

    /// Bits of one of its block RAMs.
    pub fn block_ram_bits(self) -> usize {
        match self.family() {
            Family::Ecp5 => 18 * 1024,
            Family::Ice40 => 4 * 1024,
        }
    }

    /// Widths of the operands of one of its multiplier blocks, both signed.
    pub fn dsp_width(self) -> u32 {
        match self.family() {
            Family::Ecp5 => 18,
            Family::Ice40 => 16,
        }
    }

    /// Arguments that name it to nextpnr. `speed` is the ECP5's speed grade.
    pub fn arguments(self, speed: u8) -> Vec<String> {
        let size = match self {
            Device::Ecp5_25k => "--25k",
            Device::Ecp5_45k => "--45k",
            Device::Ecp5_85k => "--85k",
            Device::Up5k => "--up5k",
        };
        match self.family() {
            Family::Ecp5 => {
                // The static placer knows better than the default one where block RAMs and multipliers lie: with 16
                // lanes half the wires, a tenth of the router's time, half as fast again.
                [
                    size,
                    "--package",
                    "CABGA381",
                    "--speed",
                    &speed.to_string(),
                    "--lpf-allow-unconstrained",
                    "--placer",
                    "static",
                ]
                .map(String::from)
                .into()
            }
            Family::Ice40 => {
                [size, "--package", "sg48", "--pcf-allow-unconstrained"].map(String::from).into()
            }
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Device::Ecp5_25k => "ecp5-25k",
            Device::Ecp5_45k => "ecp5-45k",
            Device::Ecp5_85k => "ecp5-85k",
            Device::Up5k => "up5k",
        })
    }
}

impl FromStr for Device {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "ecp5-25k" | "25k" => Ok(Device::Ecp5_25k),
            "ecp5-45k" | "45k" => Ok(Device::Ecp5_45k),
            "ecp5-85k" | "85k" => Ok(Device::Ecp5_85k),
            "up5k" => Ok(Device::Up5k),
            _ => Err("there are: ecp5-25k, ecp5-45k, ecp5-85k, up5k".to_owned()),
        }
    }
}
