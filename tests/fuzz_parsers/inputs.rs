//! Damaged files: a whole one with a few changes of the kinds that break parsers.

use sha2::{Digest, Sha256};

/// Numbers that depend on a parser's name and an input's number alone.
struct Random(u64);

impl Random {
    fn new(name: &str, number: u64) -> Random {
        let hash = Sha256::digest(format!("{name} {number}"));
        Random(hash.iter().take(8).fold(1, |n, &b| n << 8 | u64::from(b)) | 1)
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n.max(1)
    }
}

/// Pieces that mean something to some parser, or look like it.
const PIECES: [&[u8]; 24] = [
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"'",
    b"\n",
    b"=",
    b"#",
    b"-",
    b"99999999999999999999999999",
    b"1e400",
    b"nan",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\x7f",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\x1b[31m",
    b"$end",
    b"b1xz0 !",
    b"STOCHASTIC",
    b"s32.64",
    b"((((((((((((((((((((((((((((((",
];

/// Input number `number`: one of the seeds, with one to six changes. Some are left whole.
pub fn damaged(seeds: &[Vec<u8>], name: &str, number: u64) -> Vec<u8> {
    let mut r = Random::new(name, number);
    let mut file = seeds[r.below(seeds.len())].clone();
    if r.below(16) == 0 {
        return file;
    }
    for _ in 0..1 + r.below(6) {
        let at = r.below(file.len() + 1);
        match r.below(9) {
            0 if at < file.len() => file[at] ^= 1 << r.below(8),
            1 if at < file.len() => file[at] = r.below(256) as u8,
            2 => file.truncate(at),
            3 => {
                let piece = PIECES[r.below(PIECES.len())];
                file.splice(at..at, piece.iter().copied());
            }
            4 => {
                let end = (at + r.below(32)).min(file.len());
                file.drain(at..end);
            }
            5 => {
                let end = (at + r.below(64)).min(file.len());
                let again = file[at..end].to_vec();
                let to = r.below(file.len() + 1);
                file.splice(to..to, again);
            }
            6 => {
                let piece = PIECES[r.below(PIECES.len())];
                let times = 1 << r.below(12);
                file.splice(at..at, piece.repeat(times));
            }
            7 if at + 4 <= file.len() => file[at..at + 4].fill(255),
            _ => {
                let other = &seeds[r.below(seeds.len())];
                let from = r.below(other.len() + 1);
                let end = (from + r.below(200)).min(other.len());
                file.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
    file
}
