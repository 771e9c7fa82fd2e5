//! The twins: what each leaf shows after an edge.

use crate::common::scramble;
use eqhdl::fixed_point::absorb;

/// Words at the outputs; none where nothing is promised.
type Words = Vec<Option<u64>>;

/// A leaf under test.
pub struct Leaf {
    pub module: &'static str,
    /// Other modules that it is made of.
    pub parts: &'static [&'static str],
    pub parameters: Vec<(&'static str, u64)>,
    /// It has a reset, which is active at the first two edges.
    pub resets: bool,
    /// Ports without `_i`, and their widths.
    pub inputs: Vec<(&'static str, u32)>,
    /// Ports without `_o`, and their widths.
    pub outputs: Vec<(&'static str, u32)>,
    /// What stands at the inputs at each edge.
    pub stimuli: Vec<Vec<u64>>,
    /// What the twin shows after an edge; none where nothing is promised.
    twin: Box<dyn Fn(&Shown) -> Words>,
    /// A text of the leaf, and one that makes it wrong.
    pub defect: (&'static str, &'static str),
}

impl Leaf {
    /// What the outputs are after edge `cycle`.
    pub fn expected(&self, cycle: usize) -> Vec<Option<u64>> {
        let outputs = (self.twin)(&Shown { leaf: self, cycle });
        assert_eq!(outputs.len(), self.outputs.len(), "{}", self.module);
        outputs
    }
}

/// What a leaf has been shown up to an edge.
pub struct Shown<'a> {
    leaf: &'a Leaf,
    cycle: usize,
}

impl Shown<'_> {
    /// What stood at a port n edges ago; at the last one: 1. None before the first two, which are of the reset.
    fn ago(&self, port: &str, n: usize) -> Option<u64> {
        let edge = (self.cycle + 1).checked_sub(n).filter(|&e| e > 1)?;
        Some(self.at(port, edge))
    }

    fn is(&self, port: &str, n: usize) -> bool {
        self.ago(port, n) == Some(1)
    }

    /// What stood at a port at an edge.
    fn at(&self, port: &str, edge: usize) -> u64 {
        let k = self.leaf.inputs.iter().position(|(name, _)| *name == port);
        self.leaf.stimuli[edge][k.unwrap_or_else(|| panic!("{} has no {port}_i", self.leaf.module))]
    }

    /// The newest value that was written before the edge `n` edges ago: the edge of the write, where there was one.
    fn written(&self, n: usize, is_write: impl Fn(usize) -> bool) -> Option<usize> {
        (2..(self.cycle + 1).checked_sub(n)?).rev().find(|&edge| is_write(edge))
    }
}

fn bits(value: u64, width: u32) -> u64 {
    value & (u64::MAX >> (64 - width))
}

fn signed(value: u64, width: u32) -> i64 {
    (value << (64 - width)) as i64 >> (64 - width)
}

/// Numbers without a pattern, the same in every run.
struct Noise(u64);

impl Noise {
    fn word(&mut self) -> u64 {
        self.0 += 1;
        scramble(self.0)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.word() % n
    }

    fn rows(&mut self, inputs: &[(&str, u32)], cycles: usize) -> Vec<Vec<u64>> {
        (0..cycles).map(|_| inputs.iter().map(|&(_, width)| bits(self.word(), width)).collect()).collect()
    }
}

/// All of them, with stimuli for so many edges.
pub fn leaves(cycles: usize) -> Vec<Leaf> {
    let mut noise = Noise(7);
    vec![
        column_pipe(&mut noise, cycles),
        operand_fetch(&mut noise, cycles, (0, false)),
        operand_fetch(&mut noise, cycles, (1, false)),
        operand_fetch(&mut noise, cycles, (0, true)),
        neuron_trail(&mut noise, cycles),
        weight_store(&mut noise, cycles),
        commit_port(&mut noise, cycles),
        still_watch(&mut noise, cycles),
        contrast_list(&mut noise, cycles),
    ]
}

/// What is issued, n cycles later; which column it is, and where its weights lie.
fn column_pipe(noise: &mut Noise, cycles: usize) -> Leaf {
    const ADDRESS: u32 = 9;
    let inputs = vec![
        ("valid0", 1),
        ("first0", 1),
        ("bias0", 1),
        ("first_chunk0", 1),
        ("last_chunk0", 1),
        ("layer0", 2),
        ("chunk0", 3),
        ("entry0", 7),
        ("row_base0", ADDRESS),
        ("list1", 1),
        ("list_column1", 7),
        ("bias_column1", 7),
    ];
    let outputs = [
        "layer1 entry1 valid2 bias2 layer2 chunk2 column2 valid3 first3 bias3 layer3 chunk3 layer4 address4 valid5 valid7",
        "first7 bias7 layer7 chunk7 layer8 address9 layer10 chunk10 column10 address10 valid11 bias11",
        "first_chunk11 last_chunk11 layer11 chunk11 column11",
    ];
    let names: Vec<&'static str> = outputs.iter().flat_map(|line| line.split(' ')).collect();
    let stage = |name: &'static str| {
        let digits = name.find(|c: char| c.is_ascii_digit()).expect("a stage");
        (&name[..digits], name[digits..].parse::<usize>().expect("a stage"))
    };
    let width = |name| match stage(name).0 {
        "layer" => 2,
        "chunk" => 3,
        "entry" | "column" => 7,
        "address" => ADDRESS,
        _ => 1,
    };
    let twin = {
        let names = names.clone();
        move |s: &Shown| {
            let column = |n: usize| {
                if s.ago("bias0", n)? == 1 {
                    s.ago("bias_column1", n - 1)
                } else if s.ago("list1", n - 1)? == 1 {
                    s.ago("list_column1", n - 1)
                } else {
                    s.ago("entry0", n)
                }
            };
            let output = |&name: &&'static str| match stage(name) {
                ("column", n) => column(n),
                ("address", n) => Some(bits(s.ago("row_base0", n)? + column(n)?, ADDRESS)),
                (what, n) => s.ago(&format!("{what}0"), n),
            };
            names.iter().map(output).collect()
        }
    };
    Leaf {
        module: "column_pipe",
        parts: &[],
        parameters: vec![
            ("LayerWidth", 2),
            ("ChunkWidth", 3),
            ("CountWidth", 7),
            ("AddressWidth", ADDRESS.into()),
        ],
        resets: false,
        stimuli: noise.rows(&inputs, cycles),
        inputs,
        outputs: names.iter().map(|&name| (name, width(name))).collect(),
        twin: Box::new(twin),
        defect: ("address3_q <= row_base2_q + column2", "address3_q <= row_base2_q - column2"),
    }
}

/// The activity of the column's neuron as it was written last; of the input, of a bias, of a bank that was reset. With a
/// register behind the memories the neuron is asked for a cycle earlier. Of complex states, `b` is the imaginary part, which
/// input and bias do not have.
fn operand_fetch(noise: &mut Noise, cycles: usize, (registered, complex): (usize, bool)) -> Leaf {
    const ACTIVITY: u32 = 9;
    const PRE: u32 = 14;
    const ONE: u64 = 64;
    let inputs = vec![
        ("write", 1),
        ("write_bank", 1),
        ("write_neuron", 3),
        ("write_activity", ACTIVITY),
        ("bank_a", 2),
        ("bank_b", 2),
        ("neuron", 3),
        ("bias2", 1),
        ("input2", 1),
        ("value1", ACTIVITY),
        ("reset_activity2", ACTIVITY),
        ("shift3", 6),
        ("write_imaginary", ACTIVITY),
        ("second", 1),
    ];
    let mut stimuli = noise.rows(&inputs, cycles);
    for row in &mut stimuli {
        row[7] &= noise.below(2);
        row[8] &= noise.below(2);
        row[11] %= 6;
    }
    let twin = move |s: &Shown| {
        // Of the column that was in stage 1 `n` edges ago, in stage 2 one edge later.
        let operand = |bank: &str, n: usize| {
            let last = n - 1;
            let imaginary = complex && bank == "bank_b";
            if s.is("bias2", last) {
                return Some(if imaginary { 0 } else { ONE });
            }
            if s.ago("input2", last)? == 1 {
                return s.ago("value1", n).map(|value| if imaginary { 0 } else { value });
            }
            if s.ago(bank, last)? >> 1 == 1 {
                return s.ago("reset_activity2", last);
            }
            let read = n + registered;
            let address = (s.ago(bank, read)? & 1, s.ago("neuron", read)?);
            let hits =
                |e| s.at("write", e) == 1 && (s.at("write_bank", e), s.at("write_neuron", e)) == address;
            // A word that is written as it is read is not asked for.
            if hits(s.cycle + 1 - read) {
                return None;
            }
            let part = if imaginary { "write_imaginary" } else { "write_activity" };
            s.written(read, hits).map(|e| s.at(part, e))
        };
        let forward = || {
            let bank = if complex && s.is("second", 1) { "bank_b" } else { "bank_a" };
            let operand = signed(operand(bank, 3)?, ACTIVITY);
            Some(bits((operand << s.ago("shift3", 1)?) as u64, PRE))
        };
        vec![operand("bank_a", 2), operand("bank_b", 2), forward()]
    };
    Leaf {
        module: "operand_fetch",
        parts: &["word_memory"],
        parameters: vec![
            ("ActivityWidth", ACTIVITY.into()),
            ("PreWidth", PRE.into()),
            ("BankWidth", 1),
            ("NeuronWidth", 3),
            ("Registered", registered as u64),
            ("Complex", complex.into()),
            ("One", ONE),
        ],
        resets: false,
        inputs,
        outputs: vec![("pre_a3", ACTIVITY), ("pre_b3", ACTIVITY), ("pre_forward4", PRE)],
        stimuli,
        twin: Box::new(twin),
        defect: ("bank_b_i[BankWidth] ? reset_activity2_i", "!bank_b_i[BankWidth] ? reset_activity2_i"),
    }
}

/// What is known of a neuron, at every stage.
fn neuron_trail(noise: &mut Noise, cycles: usize) -> Leaf {
    const STAGES: usize = 5;
    const WIDTH: u32 = 9;
    let inputs = vec![("valid", 1), ("data", WIDTH)];
    let twin = |s: &Shown| {
        // The lowest stage is the present one, which still stands there.
        let stage = |k: usize| Some(s.ago("data", k.max(1))? << (WIDTH * k as u32));
        let trail = (0..=STAGES).try_fold(0, |trail, k| Some(trail | stage(k)?));
        vec![s.ago("valid", STAGES), trail]
    };
    Leaf {
        module: "neuron_trail",
        parts: &[],
        parameters: vec![("Stages", STAGES as u64), ("Width", WIDTH.into())],
        resets: true,
        stimuli: noise.rows(&inputs, cycles),
        inputs,
        outputs: vec![("valid", 1), ("trail", WIDTH * (STAGES as u32 + 1))],
        twin: Box::new(twin),
        defect: ("assign valid_o = valid_q[Stages]", "assign valid_o = valid_q[Stages-1]"),
    }
}

/// Numbers of the store under test.
mod size {
    pub const LANES: u32 = 2;
    pub const STORED: u32 = 9;
    pub const WORD: u32 = LANES * STORED;
    pub const WORDS: u64 = 12;
    /// Words that have others for the way back: those from BASE on.
    pub const BACK: u64 = 6;
    pub const BASE: u64 = 6;
    pub const SUMS: u32 = LANES * 20;
}

/// The words as the host and the core wrote them last; a word that the host stores has no sum.
fn weight_store(noise: &mut Noise, cycles: usize) -> Leaf {
    let inputs = vec![
        ("host_seek", 1),
        ("host_address", 5),
        ("host_shift", 1),
        ("host_data", size::STORED),
        ("host_store", 1),
        ("host_fetch", 1),
        ("address4", 4),
        ("write10", 1),
        ("address10", 4),
        ("write_data10", size::WORD),
        ("write_back10", 1),
        ("write_back_data10", size::WORD),
        ("write_sums9", 1),
        ("address9", 4),
        ("write_sums_data9", size::SUMS),
    ];
    let idle = vec![0; inputs.len()];
    let mut stimuli = vec![idle.clone(), idle.clone()];
    while stimuli.len() < cycles {
        // The host: some words in or out, each with its lanes; then the core.
        let mut host = |row: &[(usize, u64)]| {
            let mut next = idle.clone();
            row.iter().for_each(|&(k, v)| next[k] = v);
            stimuli.push(next);
        };
        host(&[(0, 1), (1, noise.below(size::WORDS + size::BACK - 2))]);
        for _ in 0..1 + noise.below(2) {
            if noise.below(2) == 0 {
                for _ in 0..size::LANES {
                    host(&[(2, 1), (3, bits(noise.word(), size::STORED))]);
                }
                host(&[(4, 1)]);
            } else {
                host(&[(5, 1)]);
                (0..4).for_each(|_| host(&[]));
                (0..size::LANES).for_each(|_| host(&[(2, 1)]));
            }
        }
        (0..3).for_each(|_| host(&[]));
        for _ in 0..noise.below(30) {
            let mut row: Vec<u64> = inputs.iter().map(|&(_, width)| bits(noise.word(), width)).collect();
            row[..6].fill(0);
            for address in [6, 8, 13] {
                row[address] %= size::WORDS;
            }
            row[10] &= row[7] & u64::from(row[8] >= size::BASE);
            stimuli.push(row);
        }
    }
    stimuli.truncate(cycles);
    // What is not written stands there all the same.
    for row in &mut stimuli {
        for (valid, data) in [(7, 9), (10, 11), (12, 14)] {
            if row[valid] == 0 {
                row[data] = bits(noise.word(), inputs[data].1);
            }
        }
    }
    let shown = Store::replay(&inputs, &stimuli);
    Leaf {
        module: "weight_store",
        parts: &["weight_memory"],
        parameters: vec![
            ("Lanes", size::LANES.into()),
            ("StoredWidth", size::STORED.into()),
            ("Words", size::WORDS),
            ("AddressWidth", 4),
            ("HostWidth", 5),
            ("BackWords", size::BACK),
            ("BackWidth", 3),
            ("BackBase", size::BASE),
            ("Batched", 1),
            ("BatchWidth", (size::SUMS / size::LANES).into()),
        ],
        resets: true,
        inputs,
        outputs: vec![
            ("host_data", size::STORED),
            ("weights6", size::WORD),
            ("back6", size::WORD),
            ("sums6", size::SUMS),
        ],
        stimuli,
        twin: Box::new(move |s| shown[s.cycle].clone()),
        defect: ("host_store_i ? {Lanes*BatchWidth{1'b0}} : write_sums_data9_i", "write_sums_data9_i"),
    }
}

/// The words of a store; none where nobody has written.
struct Store {
    weights: Vec<Option<u64>>,
    ways_back: Vec<Option<u64>>,
    sums: Vec<Option<u64>>,
}

impl Store {
    /// Where the host finds a word: the ways back lie behind the forward weights.
    fn of_host(&mut self, address: u64) -> &mut Option<u64> {
        match address.checked_sub(size::WORDS) {
            None => &mut self.weights[address as usize],
            Some(back) => &mut self.ways_back[back as usize],
        }
    }

    /// What is shown after every edge.
    fn replay(inputs: &[(&str, u32)], stimuli: &[Vec<u64>]) -> Vec<Vec<Option<u64>>> {
        let mut store = Store {
            weights: vec![None; size::WORDS as usize],
            ways_back: vec![None; size::BACK as usize],
            sums: vec![None; size::WORDS as usize],
        };
        // The shift register, lane by lane; what is on its way there; what the core asked for one edge ago, and now.
        let mut host = [None; size::LANES as usize];
        let mut fetched: [Option<Option<u64>>; 3] = [None; 3];
        let mut asked = [[None; 3]; 2];
        let (mut address, mut since_fetch) = (0, 0);
        let mut shown = vec![vec![None; 4]; 2];
        for row in &stimuli[2..] {
            let at = |port: &str| {
                row[inputs
                    .iter()
                    .position(|(name, _)| *name == port)
                    .unwrap_or_else(|| panic!("no {port}_i"))]
            };
            let place = at("address4");
            let behind = place.checked_sub(size::BASE).filter(|&p| p < size::BACK);
            let way_back = behind.and_then(|p| store.ways_back[p as usize]);
            asked = [[store.weights[place as usize], way_back, store.sums[place as usize]], asked[0]];
            // A fetched word is in the register three edges after it was asked for.
            let landing = fetched[2];
            fetched = [None, fetched[0], fetched[1]];
            if let Some(word) = landing {
                host = [word.map(|w| bits(w, size::STORED)), word.map(|w| w >> size::STORED)];
            } else if at("host_shift") == 1 {
                host = [host[1], Some(at("host_data"))];
            }
            since_fetch += 1;
            if at("host_fetch") == 1 {
                fetched[0] = Some(*store.of_host(address));
                address += 1;
                since_fetch = 0;
            }
            if at("host_seek") == 1 {
                address = at("host_address");
            } else if at("host_store") == 1 {
                *store.of_host(address) = host[0].zip(host[1]).map(|(low, high)| low | high << size::STORED);
                if address < size::WORDS {
                    store.sums[address as usize] = Some(0);
                }
                address += 1;
            }
            if at("write10") == 1 {
                store.weights[at("address10") as usize] = Some(at("write_data10"));
            }
            if at("write_back10") == 1 {
                store.ways_back[(at("address10") - size::BASE) as usize] = Some(at("write_back_data10"));
            }
            if at("write_sums9") == 1 {
                store.sums[at("address9") as usize] = Some(at("write_sums_data9"));
            }
            // While the host fetches, the core's words are the host's.
            let core = asked[1].map(|word| word.filter(|_| since_fetch > 3));
            shown.push([&host[..1], &core].concat());
        }
        shown
    }
}

/// States beside their memory, weights two cycles later, and the signature of every step.
fn commit_port(noise: &mut Noise, cycles: usize) -> Leaf {
    const STATE: u32 = 7;
    let inputs = vec![
        ("state_valid", 1),
        ("state_layer", 8),
        ("state_index", 16),
        ("state_word", 16),
        ("state", STATE),
        ("weight_valid", 1),
        ("weight_layer", 8),
        ("weight_chunk", 16),
        ("weight_column", 16),
        ("weight_data", 30),
        ("weight_fold", 32),
        ("sample_start", 1),
        ("step_end", 1),
    ];
    let mut stimuli = noise.rows(&inputs, cycles);
    for (n, row) in stimuli.iter_mut().enumerate() {
        row[1] %= 64;
        row[6] %= 64;
        // Samples of four steps; steps of 20 cycles.
        row[11] = u64::from(n % 80 == 5);
        row[12] = u64::from(n % 20 == 4);
    }
    let twin = |s: &Shown| {
        // A step's word is there twelve edges after its end; what comes up to seven edges after the end belongs to it.
        let ended = s.is("step_end", 12);
        let signature = || {
            let end = s.cycle + 1 - 12;
            let start = (2..=end).rev().find(|&e| s.at("sample_start", e) == 1)?;
            let mut running = 0u32;
            let mut from = start + 8;
            for step in (start + 1..=end).filter(|&e| s.at("step_end", e) == 1) {
                let sum = (from..step + 8).fold(0, |sum: u32, e| sum.wrapping_add(terms(s, e)));
                running = running.rotate_left(1) ^ sum;
                from = step + 8;
            }
            Some(u64::from(running))
        };
        let mut outputs = vec![s.ago("state_layer", 1), s.ago("state_word", 1)];
        outputs.extend(
            ["valid", "layer", "chunk", "column", "data"].map(|part| s.ago(&format!("weight_{part}"), 2)),
        );
        outputs.push(s.ago("step_end", 12));
        outputs.push(if ended { signature() } else { None });
        outputs
    };
    Leaf {
        module: "commit_port",
        parts: &["signature"],
        parameters: vec![("StateWidth", STATE.into()), ("DataWidth", 30)],
        resets: true,
        inputs,
        outputs: vec![
            ("state_layer", 8),
            ("state_word", 16),
            ("weight_valid", 1),
            ("weight_layer", 8),
            ("weight_chunk", 16),
            ("weight_column", 16),
            ("weight_data", 30),
            ("step_valid", 1),
            ("signature", 32),
        ],
        stimuli,
        twin: Box::new(twin),
        defect: ("weight_chunk_high_i(weight_chunk_i[15:10])", "weight_chunk_high_i(weight_chunk_i[5:0])"),
    }
}

/// What the neuron and the word of weights of an edge add to the step's sum.
fn terms(s: &Shown, edge: usize) -> u32 {
    let at = |port| s.at(port, edge) as u32;
    let mut sum = 0u32;
    if at("state_valid") == 1 {
        let tag = at("state_layer") << 26 | at("state_index");
        sum = absorb(absorb(0x5EED_57A7, tag), signed(at("state").into(), 7) as u32);
    }
    if at("weight_valid") == 1 {
        let (chunk, column) = (at("weight_chunk"), at("weight_column"));
        let key = absorb(0x5EED_3E16, at("weight_layer") << 26 | (chunk & 0x3ff) << 16 | column)
            ^ (chunk >> 10) << 26;
        sum = sum.wrapping_add(absorb(key, at("weight_fold")));
    }
    sum
}

/// Passes over eleven neurons whose states often come back: each is compared with what it was in the last two passes.
fn still_watch(noise: &mut Noise, cycles: usize) -> Leaf {
    const NEURONS: u64 = 11;
    const WIDTH: u32 = 5;
    let inputs = vec![("zero", 1), ("judged", 1), ("valid", 1), ("number", 4), ("state", WIDTH)];
    let mut stimuli: Vec<Vec<u64>> = vec![vec![0; inputs.len()]; 2];
    // What is shown after each edge.
    let mut shown: Vec<Words> = Vec::new();
    while stimuli.len() < cycles {
        let passes = 1 + noise.below(9);
        let (mut last, mut before) = ([0; NEURONS as usize], [0; NEURONS as usize]);
        for pass in 0..passes {
            let zero = u64::from(pass == 0);
            // Nothing moves, all comes back, or a neuron in so many is another.
            let (kind, other) = (noise.below(3), noise.below(NEURONS));
            for i in 0..NEURONS as usize {
                while noise.below(3) == 0 {
                    stimuli.push(vec![zero, 0, 0, noise.below(NEURONS), noise.below(1 << WIDTH)]);
                }
                let same = if kind == 0 { last[i] } else { before[i] };
                let flipped =
                    if i as u64 == other && noise.below(2) == 0 { 1 << noise.below(WIDTH.into()) } else { 0 };
                let state = if kind == 2 { noise.below(1 << WIDTH) } else { same ^ flipped };
                stimuli.push(vec![zero, 0, 1, i as u64, state]);
                (before[i], last[i]) = (last[i], state);
            }
            (0..2 + noise.below(4)).for_each(|_| stimuli.push(vec![zero, 0, 0, 0, 0]));
            stimuli.push(vec![zero, 1, 0, 0, 0]);
        }
    }
    stimuli.truncate(cycles);
    let (mut last, mut before) = ([0; NEURONS as usize], [0; NEURONS as usize]);
    let (mut changed, mut differs) = (0, 0);
    // What the states of the last two edges have in common with those before; the answer comes two edges later.
    let mut waiting = [(0, 0); 2];
    for row in &stimuli {
        let &[zero, judged, valid, number, state] = &row[..] else { unreachable!("five inputs") };
        let found = waiting[0];
        (changed, differs) = if judged == 1 { (0, 0) } else { (changed | found.0, differs | found.1) };
        shown.push(vec![Some(changed), Some(differs)]);
        let i = number as usize;
        if zero == 1 && valid == 1 {
            (last[i], before[i]) = (0, 0);
        }
        let new =
            if valid == 1 { (u64::from(state != last[i]), u64::from(state != before[i])) } else { (0, 0) };
        if valid == 1 {
            (before[i], last[i]) = (last[i], state);
        }
        waiting = [waiting[1], new];
    }
    let twin = move |s: &Shown| shown[s.cycle].clone();
    Leaf {
        module: "still_watch",
        parts: &["word_memory"],
        parameters: vec![("Width", WIDTH.into()), ("Depth", NEURONS), ("AddressWidth", 4)],
        resets: true,
        stimuli,
        inputs,
        outputs: vec![("changed", 1), ("differs", 1)],
        twin: Box::new(twin),
        defect: ("before_q <= zero_i", "before_q <= !zero_i"),
    }
}

/// Scans of up to three layers of chunks, some of which have moved; what is listed is taken, with gaps.
fn contrast_list(noise: &mut Noise, cycles: usize) -> Leaf {
    const LANES: u32 = 3;
    const ACTIVITY: u32 = 4;
    const CHUNKS: u64 = 4;
    const DEPTH: usize = 12;
    let inputs = vec![
        ("clear", 1),
        ("scan0", 1),
        ("layer0", 2),
        ("chunk0", 2),
        ("row_base0", 6),
        ("post_a4", LANES * ACTIVITY),
        ("post_b4", LANES * ACTIVITY),
        ("take", 1),
    ];
    // Edge by edge; words of a chunk stand at the inputs four edges after it was scanned.
    let mut stimuli: Vec<Vec<u64>> = vec![vec![0; inputs.len()]; 2];
    let row = |noise: &mut Noise| {
        vec![0, 0, noise.below(4), noise.below(4), noise.below(64), noise.below(4096), noise.below(4096), 0]
    };
    // What the list says after each edge from a scan on: the entries that are left.
    let mut shown: Vec<Option<Vec<u64>>> = vec![None; 2];
    while stimuli.len() < cycles {
        let mut clear = row(noise);
        clear[0] = 1;
        stimuli.push(clear);
        shown.push(Some(Vec::new()));
        let first = stimuli.len();
        let layers = 1 + noise.below(3);
        let scanned: Vec<(u64, u64)> = (1..=layers)
            .flat_map(|l| {
                let n = 1 + noise.below(CHUNKS);
                (0..n).map(move |c| (l, c))
            })
            .collect();
        let steps = scanned.len() + 8;
        for _ in 0..steps {
            stimuli.push(row(noise));
            shown.push(None);
        }
        let (mut listed, mut below, mut here) = (Vec::new(), false, false);
        for (n, &(layer, chunk)) in scanned.iter().enumerate() {
            let at = &mut stimuli[first + n];
            (at[1], at[2], at[3]) = (1, layer, chunk);
            let entry = layer << 8 | chunk << 6 | at[4];
            let a = noise.below(4096);
            let moved = noise.below(3) == 0;
            let b = if moved { a ^ (1 << noise.below(12)) } else { a };
            let words = &mut stimuli[first + n + 4];
            (words[5], words[6]) = (a, b);
            if chunk == 0 {
                (below, here) = (here && layer > 1, false);
            }
            here |= moved;
            if moved || below {
                listed.push(entry);
            }
        }
        // From here on the list is whole; it is taken entry by entry.
        shown[first + steps - 1] = Some(listed.clone());
        while !listed.is_empty() {
            let mut taken = row(noise);
            taken[7] = noise.below(2);
            if taken[7] == 1 {
                listed.remove(0);
            }
            stimuli.push(taken);
            shown.push(Some(listed.clone()));
        }
    }
    stimuli.truncate(cycles);
    let scans: Vec<u64> = stimuli.iter().map(|row| row[1]).collect();
    let twin = move |s: &Shown| {
        let left = &shown[s.cycle];
        let next = left.as_ref().and_then(|left| left.first());
        vec![
            s.cycle.checked_sub(2).filter(|&edge| edge > 1).map(|edge| scans[edge]),
            left.as_ref().map(|left| u64::from(!left.is_empty())),
            next.map(|entry| entry >> 8),
            next.map(|entry| entry >> 6 & 3),
            next.map(|entry| entry & 63),
        ]
    };
    Leaf {
        module: "contrast_list",
        parts: &["word_memory"],
        parameters: vec![
            ("Lanes", LANES.into()),
            ("ActivityWidth", ACTIVITY.into()),
            ("LayerWidth", 2),
            ("ChunkWidth", 2),
            ("AddressWidth", 6),
            ("Depth", DEPTH as u64),
            ("DepthWidth", 4),
        ],
        resets: true,
        stimuli,
        inputs,
        outputs: vec![("scan3", 1), ("some", 1), ("layer", 2), ("chunk", 2), ("row_base", 6)],
        twin: Box::new(twin),
        defect: ("first6 ? layer_moved_q : below_q", "!first6 ? layer_moved_q : below_q"),
    }
}
