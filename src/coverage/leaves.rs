//! Where the work of each leaf of `hdl/` shows itself in the coverage of a comparison.

/// How one knows that a comparison has exercised a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// By points in the groups whose names end so.
    By(&'static [&'static str]),
    /// It has no case of its own: every word that is compared has passed it.
    ByEveryWord,
    /// It lies outside the core: by `eqhdl cosim --bus` and the benches on AXI.
    OnTheBus,
}

/// The requantisers of neurons.
const NEURON: &[&str] = &["drive", "state", "activation"];
const TURNED: &[&str] = &["imaginary part of the drive", "imaginary part of the state", "activation"];
const LEARNED: &[&str] = &["weight", "bias"];
const LANES: &[&str] = &["lanes that learn"];

/// Every leaf.
pub const LEAVES: [(&str, Shown); 36] = [
    ("axi_lite_slave", Shown::OnTheBus),
    ("bus_reset", Shown::OnTheBus),
    ("column_key", Shown::By(LEARNED)),
    ("column_pipe", Shown::ByEveryWord),
    ("commit_port", Shown::ByEveryWord),
    ("complex_logistic", Shown::By(TURNED)),
    ("complex_softmax", Shown::By(TURNED)),
    ("contrast_list", Shown::By(&["chunks of synapses"])),
    ("drive_path", Shown::ByEveryWord),
    ("function_table", Shown::By(&["activation"])),
    ("kernel_walk", Shown::By(&["map of the kernel"])),
    ("layer_key", Shown::By(LEARNED)),
    ("mixer", Shown::By(LEARNED)),
    ("neuron_bits", Shown::By(NEURON)),
    ("neuron_trail", Shown::ByEveryWord),
    ("neuron_unit", Shown::By(NEURON)),
    ("operand_fetch", Shown::ByEveryWord),
    ("pass_key", Shown::By(LEARNED)),
    ("post_memory", Shown::By(LANES)),
    ("rail_counter", Shown::OnTheBus),
    ("readout", Shown::By(&["prediction"])),
    ("requantise", Shown::By(&["drive", "state"])),
    ("sample_buffer", Shown::By(&["samples"])),
    ("sample_sign", Shown::By(&["nudge +beta", "nudge -beta"])),
    ("sequencer", Shown::By(&["samples", "no nudge"])),
    ("signature", Shown::ByEveryWord),
    ("softmax_unit", Shown::By(&["state"])),
    ("still_watch", Shown::By(&["no nudge"])),
    ("stream_results", Shown::OnTheBus),
    ("stream_samples", Shown::OnTheBus),
    ("synapse_lanes", Shown::By(&["weight", "bias", "lanes that learn"])),
    ("turned_neuron", Shown::By(TURNED)),
    ("weight_memory", Shown::By(LANES)),
    ("weight_store", Shown::By(LANES)),
    ("weight_window", Shown::OnTheBus),
    ("word_memory", Shown::By(LANES)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::collect::Coverage;
    use crate::schedule::Layout;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// A new leaf says by which points one sees it, and the points are there in some design that is shipped.
    #[test]
    fn every_leaf_has_points() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(root.join("hdl")).expect("hdl/ is there");
        let leaves: BTreeSet<String> = files
            .filter_map(|f| f.expect("it can be read").file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".v").map(str::to_owned))
            .collect();
        let listed: BTreeSet<String> = LEAVES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(leaves, listed);
        let mut groups = Vec::new();
        for name in [
            "digits-cep",
            "digits-ep",
            "digits-conv",
            "digits-holomorphic",
            "digits-softmax",
            "digits-momentum",
        ] {
            let design = crate::design::load(&root.join(format!("designs/{name}.toml"))).expect("shipped");
            let layout = Layout::of(&design);
            groups.extend(Coverage::of(&design, &layout).report().groups.into_iter().map(|g| g.name));
        }
        for (leaf, shown) in LEAVES {
            let Shown::By(endings) = shown else { continue };
            for ending in endings {
                assert!(groups.iter().any(|g| g.ends_with(ending)), "{leaf}: no group ends with `{ending}`");
            }
        }
    }
}
