//! The core on AXI: its own test bench under Icarus, on designs that visit every shape of the wrapper, against the
//! reference's numbers; and that bench's own sight. Masters that eqhdl did not write drive the bus in tests/axi.

#[path = "common/designs.rs"]
mod designs;

use designs::Case;
use eqhdl::bus;
use eqhdl::design::Design;
use eqhdl::schedule::Layout;
use eqhdl::verilog::{Sources, module_name};
use std::path::Path;
use std::process::Command;

/// Wide weights and 16-bit slots; two ways; one layer of synapses; softmax; energy-based with a table behind the state.
const CASES: &[Case] = &[
    Case {
        name: "bus_two_ways",
        layers: "[64, 8, 5, 10]",
        lanes: 4,
        dynamics: "leaky",
        activation: "hard_sigmoid",
        nudge: "inside",
        rule: "cep random falling",
        rounding: ["RND", "RND", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT_SYM"],
        formats: "weight = \"s10.9\"\nbias = \"s8.7\"\ninput = \"u9.8\"",
        more: "feedback = \"vector_field\"\nangle = 45\n",
    },
    Case {
        name: "bus_one_layer",
        layers: "[64, 10]",
        lanes: 16,
        dynamics: "prototypical",
        activation: "logistic",
        nudge: "outside",
        rule: "symmetric_ep",
        rounding: ["RND", "RND", "RND"],
        overflow: ["SAT", "SAT", "WRAP"],
        formats: "weight = \"s20.18\"\ninput = \"u17.16\"",
        more: "",
    },
    Case {
        name: "bus_softmax",
        layers: "[64, 7, 10]",
        lanes: 2,
        dynamics: "leaky",
        activation: "logistic",
        nudge: "softmax",
        rule: "cep random",
        rounding: ["STOCHASTIC", "RND", "RND"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = [\"u8.8\", \"s10.9\"]",
        more: "",
    },
    Case {
        name: "bus_energy",
        layers: "[64, 9, 10]",
        lanes: 8,
        dynamics: "energy",
        activation: "logistic",
        nudge: "outside",
        rule: "ep",
        rounding: ["STOCHASTIC", "RND", "RND_CONV"],
        overflow: ["SAT_SYM", "SAT", "SAT_SYM"],
        formats: "state = \"s10.8\"",
        more: "",
    },
];

/// What a tool says, in a folder.
fn run(dir: &Path, tool: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(tool).args(arguments).current_dir(dir).output();
    let output = output.map_err(|e| format!("`{tool}`: {e}; run `make setup`"))?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(said.into_owned()) } else { Err(format!("{tool}: {said}")) }
}

/// What a test bench beside a generated folder's files says.
fn simulate_with(sources: &Sources, bench: &str) -> Result<String, String> {
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    sources.write(dir.path()).map_err(|e| e.to_string())?;
    let file = format!("{bench}.v");
    run(dir.path(), "iverilog", &["-g2005", "-o", "tb", "-s", bench, "-f", "axi.f", &file])?;
    // `-n`: $stop ends the run.
    run(dir.path(), "vvp", &["-n", "tb"])
}

/// What the generated test bench says of a generated folder.
fn simulate(sources: &Sources) -> Result<String, String> {
    simulate_with(sources, "axi_tb")
}

fn sources(design: &Design) -> Sources {
    let layout = Layout::of(design);
    let mut sources = Sources::of(design, &layout);
    bus::add_to(&mut sources, design, &layout);
    sources
}

#[test]
fn the_bus_gives_what_the_reference_says() -> Result<(), Box<dyn std::error::Error>> {
    for case in CASES {
        let design = case.design()?;
        let vectors = bus::Vectors::of(&design, &Layout::of(&design), bus::synthetic_samples(&design));
        assert_ne!(vectors.weights_before, vectors.weights_after, "{}: nothing is learned", case.name);
        let said = simulate(&sources(&design))?;
        assert!(said.contains("PASS: 3 samples"), "{}: {said}", case.name);
    }
    Ok(())
}

#[test]
fn the_bench_sees_defects() -> Result<(), Box<dyn std::error::Error>> {
    let [two_ways, one_layer] = [CASES[0].design()?, CASES[1].design()?];
    let top = format!("{}.v", bus::top_name(&two_ways));
    let wide_top = format!("{}.v", bus::top_name(&one_layer));
    let defects = [
        ("rail_counter.v", "state_i == state_least_i", "1'b0"),
        (&top, "trained_q <= trained_q + 32'd1", "trained_q <= trained_q + 32'd2"),
        ("weight_window.v", "if (replace) dirty_q <= 1'b1;", ""),
        ("stream_samples.v", "rates_q <= tdata_i[29:27]", "rates_q <= 3'd0"),
        ("stream_samples.v", "beat_q >> SlotWidth", "beat_q >> (SlotWidth - 1)"),
        ("signature.v", "{signature_o[30:0], signature_o[31]}", "signature_o"),
        ("weight_store.v", "host_address_q <= host_address_i", "host_address_q <= host_address_i ^ 1"),
        // A word of 16 weights takes longer to come back to memory than a sample to reach it.
        (&wide_top, ".enable_i(enable && clean)", ".enable_i(enable)"),
        // (Without the lanes' mask, zeros would be counted: visible in weights of one bit only.)
        (&top, ": 10'h1ff;", ": 10'h1fe;"),
    ];
    let [clean, clean_wide] = [sources(&two_ways), sources(&one_layer)];
    for (file, text, other) in defects {
        let mut broken = if file == wide_top { clean_wide.clone() } else { clean.clone() };
        let verilog = broken.files.get_mut(file).ok_or_else(|| format!("no {file}"))?;
        assert!(verilog.contains(text), "{file} has no {text:?}");
        *verilog = verilog.replace(text, other);
        let said = simulate(&broken)?;
        assert!(said.contains("FAIL") && !said.contains("PASS"), "{file}: {text:?} goes unnoticed\n{said}");
    }
    Ok(())
}

/// A file with one text, which stands there, in the place of another.
fn with(sources: &Sources, file: &str, text: &str, other: &str) -> Result<Sources, String> {
    let mut changed = sources.clone();
    let verilog = changed.files.get_mut(file).ok_or_else(|| format!("no {file}"))?;
    if !verilog.contains(text) {
        return Err(format!("{file} has no {text:?}"));
    }
    *verilog = verilog.replace(text, other);
    Ok(changed)
}

#[test]
fn a_reset_of_any_length_takes_everything_back() -> Result<(), Box<dyn std::error::Error>> {
    let design = CASES[0].design()?;
    let layout = Layout::of(&design);
    let map = bus::Map::of(&design, &layout, 0);
    let offset = |name| map.registers.iter().find(|r| r.name == name).map_or(0, |r| r.offset).to_string();
    let vectors = bus::Vectors::of(&design, &layout, bus::synthetic_samples(&design));
    let packet = vectors.samples[0].packet(design.input.width).len();
    let bench = [
        ("TOP", bus::top_name(&design)),
        ("WIDTH", map.address_width.to_string()),
        ("PACKET", packet.to_string()),
        ("INTERRUPT", offset("INTERRUPT")),
        ("CONTROL", offset("CONTROL")),
    ];
    let text = include_str!("leaves/bus_reset_tb.v").to_owned();
    let text = bench.iter().fold(text, |text, (name, value)| text.replace(name, value));
    let mut clean = sources(&design);
    clean.files.insert("reset_tb.v".to_owned(), text);
    let said = simulate_with(&clean, "reset_tb")?;
    assert!(said.contains("PASS") && !said.contains("FAIL"), "{said}");
    // As it was: the bus takes note of the reset a cycle later.
    let late = with(&clean, "bus_reset.v", "bus_rst_no = rst_ni && rst_q;", "bus_rst_no = rst_q;")?;
    let said = simulate_with(&late, "reset_tb")?;
    assert!(said.contains("FAIL: reset of 1"), "{said}");
    Ok(())
}

#[test]
fn the_bench_ends_whatever_happens() -> Result<(), Box<dyn std::error::Error>> {
    let clean = sources(&CASES[0].design()?);
    let mut lost = clean.clone();
    lost.files.remove("axi_tb_results.hex").ok_or("no results")?;
    let said = simulate(&lost)?;
    assert!(said.contains("FAIL: cannot open ./axi_tb_results.hex") && !said.contains("PASS"), "{said}");
    let hung = with(&clean, "stream_results.v", "ready_o = (left_q == 3'd0)", "ready_o = 1'b0")?;
    let said = simulate(&hung)?;
    assert!(said.contains("FAIL: not done after") && !said.contains("PASS"), "{said}");
    // Tables of the core itself are opened where the simulation is started.
    let mut lost = sources(&CASES[2].design()?);
    let tables = |s: &Sources| s.files.keys().find(|n| n.ends_with(".hex") && !n.contains("axi_tb")).cloned();
    let table = tables(&lost).ok_or("no table")?;
    lost.files.remove(&table);
    let said = simulate(&lost)?;
    assert!(said.contains(&format!("FAIL: cannot open {table}")), "{said}");

    // From another folder, with the tables' as a parameter.
    let (dir, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    clean.write(dir.path())?;
    let tables = format!("-Paxi_tb.Tables=\"{}\"", dir.path().display());
    run(dir.path(), "iverilog", &["-g2005", "-o", "tb", "-s", "axi_tb", &tables, "-f", "axi.f", "axi_tb.v"])?;
    let program = dir.path().join("tb").display().to_string();
    let said = run(other.path(), "vvp", &["-n", &program])?;
    assert!(said.contains("PASS: 3 samples"), "{said}");
    Ok(())
}

#[test]
fn steps_of_zero_count_as_one() -> Result<(), Box<dyn std::error::Error>> {
    let mut design = CASES[0].design()?;
    (design.free_steps, design.nudged_steps) = (1, 1);
    let map = bus::Map::of(&design, &Layout::of(&design), 0);
    let steps = map.registers.iter().find(|r| r.name == "STEPS").ok_or("no STEPS")?.offset;
    let first = "    // A sample waits,";
    let zero = with(&sources(&design), "axi_tb.v", first, &format!("    write({steps}, 32'd0);\n{first}"))?;
    let said = simulate(&zero)?;
    assert!(said.contains("PASS: 3 samples"), "{said}");
    Ok(())
}

#[test]
fn the_most_classes_fit_a_result() -> Result<(), Box<dyn std::error::Error>> {
    use eqhdl::design::limits::{LABEL_WIDTH, MOST_CLASSES};
    let text = |classes: usize| {
        let digits = CASES[1].text().replace("[64, 10]", &format!("[2, {classes}]"));
        digits.replace("source = \"digits\"", "source = \"npz\"\npath = \"none.npz\"")
    };
    let read = |classes| eqhdl::design::parse(Path::new("most.toml"), &text(classes));
    let design = read(MOST_CLASSES).map_err(miette::Report::new).map_err(|e| format!("{e:?}"))?;
    let top = &sources(&design).files[&format!("{}.v", bus::top_name(&design))];
    assert!(top.contains(&format!("wire [{}:0] wide_label = label;", LABEL_WIDTH - 1)));
    let refused = read(MOST_CLASSES + 1).err().ok_or("too many classes are taken")?;
    assert!(format!("{refused}").contains("32769 outputs"), "{refused}");
    Ok(())
}

#[test]
fn header_page_and_verilog_tell_the_same_addresses() -> Result<(), Box<dyn std::error::Error>> {
    for name in ["digits-cep", "digits-cvf"] {
        let design =
            eqhdl::design::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("designs/{name}.toml")))?;
        let layout = Layout::of(&design);
        let sources = sources(&design);
        let core = module_name(&design);
        let map = bus::Map::of(&design, &layout, 0);
        let (header, page) = (&sources.files[&format!("{core}.h")], &sources.files[&format!("{core}.md")]);
        let verilog = &sources.files[&format!("{core}_registers.v")];
        for r in &map.registers {
            let define = format!("#define {}_{} {:#05x}u\n", core.to_uppercase(), r.name, r.offset);
            assert!(header.contains(&define), "{define}");
            assert!(page.contains(&format!("| {:#05x} | `{}` |", r.offset, r.name)), "{}", r.name);
            let case = format!("'d{}: begin  // {}\n", r.offset / 4, r.name.to_lowercase());
            assert!(verilog.contains(&case), "{case}");
        }
        // A weight's place in the header is its place in the memory image.
        let weights = eqhdl::reference::Weights::initial(&design);
        let image = eqhdl::cosim::memory_image(&layout, &weights);
        let user = format!(
            "#include <stdio.h>\n#include \"{core}.h\"\nint main(void) {{\n\
             printf(\"%u %u\\n\", {core}_layer1_weight(17, 30), {core}_layer2_weight(9, 64)); return 0; }}\n"
        );
        let dir = tempfile::tempdir()?;
        sources.write(dir.path())?;
        std::fs::write(dir.path().join("user.c"), user)?;
        let cc = Command::new("cc").args(["-o", "user", "user.c"]).current_dir(dir.path()).status()?;
        assert!(cc.success());
        let said = Command::new(dir.path().join("user")).output()?.stdout;
        let offsets: Vec<usize> =
            String::from_utf8(said)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let found = offsets.iter().map(|o| image[(o - map.window.base as usize) / 4]);
        let expected = [weights.layers[0].get(17, 30), weights.layers[1].get(9, 64)];
        assert_eq!(found.collect::<Vec<_>>(), expected, "{name}");
    }
    Ok(())
}

/// FuseSoC itself (`make setup-axi`) reads the core file and runs its targets.
#[test]
fn fusesoc_runs_every_target() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tools = root.join(".tools/axi/bin");
    if !tools.join("fusesoc").is_file() {
        eprintln!("skipped: FuseSoC is not installed (`make setup-axi`)");
        return Ok(());
    }
    // Tables beside the core, so that their place in the build tree matters.
    let design = CASES[2].design()?;
    let clean = sources(&design);
    let fusesoc = |sources: &Sources, target: &str| -> Result<(bool, String), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        sources.write(&dir.path().join("core"))?;
        let path = format!("{}:{}", tools.display(), std::env::var("PATH")?);
        let output = Command::new(tools.join("fusesoc"))
            .args(["--cores-root", "core", "run", "--target", target, "eqhdl:cores:bus_softmax"])
            .current_dir(dir.path())
            .env("PATH", path)
            .env("XDG_CONFIG_HOME", dir.path())
            .env("XDG_DATA_HOME", dir.path())
            .env("XDG_CACHE_HOME", dir.path())
            .stdin(std::process::Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        Ok((output.status.success(), said.into_owned()))
    };
    for target in ["lint", "sim", "synth"] {
        let (done, said) = fusesoc(&clean, target)?;
        assert!(done, "{target}: {said}");
        assert!(target != "sim" || said.contains("PASS: 3 samples"), "{said}");
        assert!(!said.contains("%Warning"), "{target}: {said}");
    }
    // And it fails when it should.
    let mut broken = clean.clone();
    let verilog = broken.files.get_mut("signature.v").ok_or("no signature.v")?;
    *verilog = verilog.replace("{signature_o[30:0], signature_o[31]}", "signature_o");
    let (done, said) = fusesoc(&broken, "sim")?;
    assert!(!done || !said.contains("PASS"), "a wrong signature goes unnoticed: {said}");
    let verilog = broken.files.get_mut("signature.v").ok_or("no signature.v")?;
    *verilog = verilog.replace(
        "output reg  [31:0]                  signature_o",
        "output reg  [30:0]                  signature_o",
    );
    assert!(!fusesoc(&broken, "lint")?.0, "a wrong width goes unnoticed");
    Ok(())
}

/// The worked example of docs/integrate.md, on the header as it is generated today; the page of registers that the docs
/// show is the one that is generated.
#[test]
fn the_documentation_holds() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let design = eqhdl::design::load(&root.join("designs/digits-cep.toml"))?;
    let sources = sources(&design);
    let page = std::fs::read_to_string(root.join("docs/registers-digits-cep.md"))?;
    assert!(
        page == sources.files["eqhdl_digits_cep.md"],
        "docs/registers-digits-cep.md is old: copy eqhdl_digits_cep.md there from `eqhdl generate designs/digits-cep.toml`"
    );
    let dir = tempfile::tempdir()?;
    sources.write(dir.path())?;
    let flags = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-c", "-o", "integrate.o", "-I."];
    let example = root.join("docs/integrate.c");
    let output = Command::new("cc").args(flags).arg(&example).current_dir(dir.path()).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
