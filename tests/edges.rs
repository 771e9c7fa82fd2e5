//! Counters and fields at their edges: the hardware equals the model where the largest numbers come that a design file or
//! a register can ask for. The table of all of them is in docs/verification.md.

#[path = "common/designs.rs"]
mod designs;
#[path = "common/samples.rs"]
mod samples;

use designs::Case;
use eqhdl::cosim::{Builds, Level, Outcome, Request, Tracing, cross_check};
use eqhdl::coverage::Looking;
use eqhdl::design::Design;
use eqhdl::reference::Weights;
use eqhdl::schedule::Layout;
use eqhdl::verilog::Sources;

const SMALL: Case = Case {
    name: "edges",
    layers: "[64, 3, 10]",
    lanes: 2,
    dynamics: "prototypical",
    activation: "hard_sigmoid",
    nudge: "outside",
    rule: "ep",
    rounding: ["STOCHASTIC", "STOCHASTIC", "STOCHASTIC"],
    overflow: ["SAT", "SAT", "SAT"],
    formats: "",
    more: "",
};

/// The generated core, and a change to it.
fn sources(design: &Design, change: Option<(&str, &str, &str)>) -> Result<Sources, String> {
    let mut sources = Sources::of(design, &Layout::of(design));
    if let Some((file, from, to)) = change {
        let verilog = sources.files.get_mut(file).ok_or("no such file")?;
        if !verilog.contains(from) {
            return Err(format!("{file} has no {from:?}"));
        }
        *verilog = verilog.replace(from, to);
    }
    Ok(sources)
}

/// One training sample, in hardware and model.
fn train_one(design: &Design, sources: Sources) -> Result<Outcome, String> {
    let layout = Layout::of(design);
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let builds = Builds::open(dir.path()).map_err(|e| e.to_string())?;
    let built = builds.simulator(design, &layout, &sources, Tracing::Commits).map_err(|e| e.to_string())?;
    let (data, samples) = samples::samples(design)?;
    let request = Request {
        design,
        data: &data,
        samples: &samples[..1],
        per_epoch: 1,
        start: &Weights::initial(design),
        level: Level::Signature,
        program: &built.program,
        work: &dir.path().join("work"),
        waves: None,
        survey: false,
        looking: Looking::Nowhere,
        patience: Some(100_000_000),
    };
    cross_check(&request, &layout, &mut |_, _| {}).map_err(|e| e.to_string())
}

#[test]
fn passes_beyond_65535_key_their_own_bits() -> Result<(), String> {
    for (dynamics, rule, steps) in [
        ("prototypical", "ep", (65535, 3)),
        ("prototypical", "symmetric_ep", (2, 65535)),
        // Twice as many passes as steps, in one phase.
        ("prototypical even_odd", "ep", (32768, 2)),
    ] {
        let design = Case { dynamics, rule, ..SMALL }.design()?;
        let design = Design { free_steps: steps.0, nudged_steps: steps.1, ..design };
        let outcome = train_one(&design, sources(&design, None)?)?;
        assert!(outcome.equal(), "{dynamics} {rule}: {:?}", outcome.differences.first());
        assert!(outcome.steps > 65536, "{} steps were compared", outcome.steps);
    }
    Ok(())
}

#[test]
fn chunks_beyond_1024_are_signed() -> Result<(), String> {
    // 1,050 chunks of two lanes.
    let design = Case { layers: "[64, 2100, 10]", ..SMALL }.design()?;
    let outcome = train_one(&design, sources(&design, None)?)?;
    assert!(outcome.equal(), "{:?}", outcome.differences.first());
    // Without the upper bits of the chunk's number, as it was, the words differ.
    let cut = ("commit_port.v", "weight_chunk_high_i(weight_chunk_i[15:10])", "weight_chunk_high_i(6'd0)");
    assert!(!train_one(&design, sources(&design, Some(cut))?)?.equal());
    Ok(())
}
