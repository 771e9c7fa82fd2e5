//! The register file in Verilog.

use super::rendered;
use crate::bus::{Access, Field, Map, Register};
use crate::design::Keys;
use askama::Template;

/// Name of a field's signals in the register file.
fn signal(register: &Register, field: &Field) -> String {
    let mut name = register.name.to_lowercase();
    if !field.name.is_empty() {
        name = format!("{name}_{}", field.name.to_lowercase());
    }
    name
}

fn range(width: u32) -> String {
    if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) }
}

fn slice(low: u32, width: u32) -> String {
    match (low, width) {
        (0, 32) => String::new(),
        (_, 1) => format!("[{low}]"),
        _ => format!("[{}:{low}]", low + width - 1),
    }
}

/// A register as the Verilog wants it.
struct RegisterText {
    name: String,
    index: u32,
    /// Concatenation of its fields.
    value: String,
    /// Response to a write.
    response: &'static str,
    /// Condition beyond the address under which a write happens; none where it never does.
    write: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "axi_registers.v", escape = "none")]
struct RegistersFile {
    depends_on: String,
    module: String,
    index_width: u32,
    ports: Vec<String>,
    declarations: Vec<String>,
    registers: Vec<RegisterText>,
    assigns: Vec<String>,
    resets: Vec<String>,
    updates: Vec<String>,
}

/// The register file of a map.
pub(super) fn registers_file(module: &str, keys: &Keys, map: &Map) -> String {
    let mut file = RegistersFile {
        depends_on: keys.comment(),
        module: module.to_owned(),
        // Of a word in the lower half of the address space.
        index_width: map.address_width - 3,
        ports: Vec::new(),
        declarations: Vec::new(),
        registers: Vec::new(),
        assigns: Vec::new(),
        resets: Vec::new(),
        updates: Vec::new(),
    };
    for r in &map.registers {
        file.add(r);
    }
    rendered(&file)
}

impl RegistersFile {
    fn add(&mut self, r: &Register) {
        let mut parts = Vec::new();
        let mut bit = 0;
        for f in &r.fields {
            if f.low > bit {
                parts.push(format!("{}'d0", f.low - bit));
            }
            bit = f.low + f.width;
            parts.push(self.field(r, f));
        }
        if bit < 32 {
            parts.push(format!("{}'d0", 32 - bit));
        }
        parts.reverse();
        let (response, write) = match (r.is_writable(), r.idle_only) {
            (false, _) => ("SlvErr", None),
            (true, false) => ("Okay", Some("")),
            (true, true) => ("idle_i ? Okay : SlvErr", Some(" && idle_i")),
        };
        self.registers.push(RegisterText {
            name: r.name.to_lowercase(),
            index: r.offset / 4,
            value: if parts.len() == 1 { parts.concat() } else { format!("{{{}}}", parts.join(", ")) },
            response,
            write,
        });
    }

    /// Ports and registers of a field; what it reads as.
    fn field(&mut self, r: &Register, f: &Field) -> String {
        let (name, strobe) = (signal(r, f), format!("write_{}", r.name.to_lowercase()));
        let (range, slice) = (range(f.width), slice(f.low, f.width));
        let written = format!("data_i{slice} & mask{slice}");
        let asked = format!("{strobe} && data_i{slice} && mask{slice}");
        if matches!(f.access, Access::Status | Access::Event | Access::Load) {
            self.ports.push(format!("input  wire {range}{name}_i"));
        }
        if !matches!(f.access, Access::Constant(_) | Access::Status) {
            self.ports.push(format!("output wire {range}{name}_o"));
        }
        match f.access {
            Access::Constant(v) => format!("{}'h{v:x}", f.width),
            Access::Status => format!("{name}_i"),
            Access::Control(reset) => {
                let next = format!("({name}_q & ~mask{slice}) | ({written})");
                self.kept(&name, &range, f.width, reset, &format!("if ({strobe}) {name}_q <= {next};"))
            }
            Access::Pulse => {
                self.assigns.push(format!("assign {name}_o = {asked};"));
                format!("{}'d0", f.width)
            }
            Access::Event => {
                let next = format!("({name}_q && !({asked})) || {name}_i");
                self.kept(&name, &range, f.width, 0, &format!("{name}_q <= {next};"))
            }
            Access::Load => {
                self.ports.push(format!("output wire {name}_set_o"));
                self.assigns.push(format!("assign {name}_set_o = {strobe};"));
                self.assigns.push(format!("assign {name}_o = ({name}_i & ~mask{slice}) | ({written});"));
                format!("{name}_i")
            }
        }
    }

    /// A register that keeps a field.
    fn kept(&mut self, name: &str, range: &str, width: u32, reset: u32, update: &str) -> String {
        self.declarations.push(format!("reg {range}{name}_q;"));
        self.assigns.push(format!("assign {name}_o = {name}_q;"));
        self.resets.push(format!("{name}_q <= {width}'h{reset:x};"));
        self.updates.push(update.to_owned());
        format!("{name}_q")
    }
}
