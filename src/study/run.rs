//! Running points: one thread each, as many at once as there are cores, safe against Ctrl-C and power cuts.

use super::plan::{Named, Runnable};
use super::store::{Found, Store, Training};
use super::{cost, place, verify};
use crate::lock::Lock;
use crate::reference::checkpoint::Checkpoint;
use crate::reference::train::Trainer;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Time between two checkpoints of a training.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(20);
/// Samples between two words to the watcher and two looks at the clock.
const STRIDE: u64 = 64;

/// Who wants to know how far the points are. Called from many threads.
pub trait Watcher: Sync {
    /// So much more effort is done (in the units of [`Named::effort`]); `fresh` where work was done for it now, not
    /// in an earlier run.
    fn advanced(&self, effort: u64, fresh: bool);
    /// A point came to something.
    fn ended(&self, point: &Named, outcome: &Outcome);
    /// Something is worth a warning.
    fn warn(&self, text: &str);
}

/// What became of a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Trained now, or with the result of an earlier run.
    Done {
        /// Its result was there before.
        kept: bool,
        /// Hardware and model agree; none where that was not asked.
        verified: Option<bool>,
    },
    /// It cannot run, or failed; why.
    Broken(String),
    /// Another process trains it, or nothing can be kept; why.
    Untrained(String),
    /// Trained, but the cross-check could not be done; why.
    Unverified(String),
    /// Trained, but it could not be synthesised and placed; why.
    Unplaced(String),
    /// Interrupted.
    Stopped,
}

/// Runs points with so many threads. Returns what became of each, in their order.
pub fn run(
    points: &[&Named],
    store: &Store,
    folder: &Path,
    threads: usize,
    stop: &AtomicBool,
    watcher: &impl Watcher,
) -> Vec<Outcome> {
    // Points that share a training (they differ in lanes only) run one after the other; the longest begin first.
    let mut tasks: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let outcomes = Mutex::new(vec![Outcome::Stopped; points.len()]);
    let settle = |n: usize, outcome: Outcome| {
        if outcome != Outcome::Stopped {
            watcher.ended(points[n], &outcome);
        }
        if let Ok(mut all) = outcomes.lock() {
            all[n] = outcome;
        }
    };
    for (n, point) in points.iter().enumerate() {
        match &point.run {
            Ok(r) => tasks.entry(r.identity.address()).or_default().push(n),
            Err(why) => settle(n, Outcome::Broken(why.clone())),
        }
    }
    let mut tasks: Vec<Vec<usize>> = tasks.into_values().collect();
    tasks.sort_by_key(|t| (std::cmp::Reverse(points[t[0]].effort()), t[0]));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, tasks.len().max(1)) {
            scope.spawn(|| {
                while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for &n in task {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let point = points[n];
                        let one = || one(point, store, folder, stop, watcher);
                        settle(
                            n,
                            catch_unwind(AssertUnwindSafe(one)).unwrap_or_else(|panic| broken(&*panic)),
                        );
                    }
                }
            });
        }
    });
    outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn broken(panic: &(dyn std::any::Any + Send)) -> Outcome {
    let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    Outcome::Broken(format!("a bug of eqhdl: {}", said.unwrap_or("it panicked")))
}

fn one(point: &Named, store: &Store, folder: &Path, stop: &AtomicBool, watcher: &impl Watcher) -> Outcome {
    let Ok(run) = &point.run else { return Outcome::Stopped };
    let (training, kept) = match store.training(&run.identity) {
        Found::Good(t) => {
            watcher.advanced(point.effort(), false);
            (t, true)
        }
        found => {
            if let Found::Damaged(why) = found {
                watcher.warn(&format!("{why}; training {} again", point.id));
            }
            // Another study in this folder may have it; what it has trained by now is not trained again.
            let _ours = match Lock::beside(&store.checkpoint_file(&run.identity)) {
                Ok(lock) => lock,
                Err(e) => return Outcome::Untrained(e.to_string()),
            };
            match train_unless_kept(run, store, stop, watcher) {
                Ok(Some(trained)) => trained,
                Ok(None) => return Outcome::Stopped,
                Err(why) => return Outcome::Broken(why),
            }
        }
    };
    let folder_of = |what: &str| folder.join(what).join(&point.id);
    let done = check(point, store, &training, &folder_of("verify"), stop, watcher)
        .and_then(|verified| price(point, store, &folder_of("synth"), stop, watcher).map(|()| verified));
    match done {
        Ok(verified) => Outcome::Done { kept, verified },
        Err(outcome) => outcome,
    }
}

/// Holds a point against its hardware as far as it is asked for; the outcome of the point where that was not to be done.
fn check(
    point: &Named,
    store: &Store,
    training: &Training,
    folder: &Path,
    stop: &AtomicBool,
    watcher: &impl Watcher,
) -> Result<Option<bool>, Outcome> {
    let asked = point.samples_to_verify();
    if asked == 0 {
        return Ok(None);
    }
    match store.verified(&point.id, asked) {
        Found::Good(v) => return Ok(Some(v.equal())),
        Found::Damaged(why) => watcher.warn(&format!("{why}; checking {} again", point.id)),
        Found::Nothing => {}
    }
    match verify::verify(point, &training.weights_digest, folder) {
        // A signal ends the simulator too.
        Err(_) if stop.load(Ordering::Relaxed) => Err(Outcome::Stopped),
        Err(e) => Err(Outcome::Unverified(e.to_string())),
        Ok(None) => Ok(None),
        Ok(Some(v)) => match store.keep_verified(&v) {
            Ok(()) => Ok(Some(v.equal())),
            Err(e) => Err(Outcome::Broken(format!("its cross-check cannot be kept: {e}"))),
        },
    }
}

/// Puts a point on its device, if it has one; the outcome of the point where that was not to be done.
fn price(
    point: &Named,
    store: &Store,
    folder: &Path,
    stop: &AtomicBool,
    watcher: &impl Watcher,
) -> Result<(), Outcome> {
    let Some(device) = point.synth.device() else { return Ok(()) };
    match store.placed(&point.id, device) {
        Found::Good(_) => return Ok(()),
        Found::Damaged(why) => watcher.warn(&format!("{why}; placing {} again", point.id)),
        Found::Nothing => {}
    }
    match place::place(point, device, folder) {
        // A signal ends the placer too.
        Err(_) if stop.load(Ordering::Relaxed) => Err(Outcome::Stopped),
        Err(e) => Err(Outcome::Unplaced(e.to_string())),
        Ok(None) => Ok(()),
        Ok(Some(p)) => store
            .keep_placed(&p)
            .map_err(|e| Outcome::Broken(format!("its area and clock rate cannot be kept: {e}"))),
    }
}

/// Trains a point that is this process's alone, unless another process has done so since it was looked for. The flag says
/// that its result was there.
fn train_unless_kept(
    run: &Runnable,
    store: &Store,
    stop: &AtomicBool,
    watcher: &impl Watcher,
) -> Result<Option<(Training, bool)>, String> {
    match store.training(&run.identity) {
        Found::Good(t) => Ok(Some((t, true))),
        _ => Ok(train(run, store, stop, watcher)?.map(|t| (t, false))),
    }
}

/// Trains a point, from its checkpoint where there is one; `None` when it was told to stop.
fn train(
    run: &Runnable,
    store: &Store,
    stop: &AtomicBool,
    watcher: &impl Watcher,
) -> Result<Option<Training>, String> {
    let (design, data, plan) = (&run.design, &*run.data, run.plan);
    if plan.train_samples == 0 {
        return Err("there are no training samples".to_owned());
    }
    let effort = cost::effort(design);
    let path = store.checkpoint_file(&run.identity);
    let mut trainer = match Checkpoint::read(&path, design, &data.checksum, plan) {
        Ok(Some(c)) => Trainer::resumed(design, data, plan, &c.weights, c.progress),
        Ok(None) => Trainer::new(design, data, plan),
        Err(e) => {
            watcher.warn(&format!("{e}; starting that point from the beginning"));
            Trainer::new(design, data, plan)
        }
    };
    watcher.advanced(effort * trainer.progress().course.done, false);
    let save = |trainer: &Trainer<'_>| {
        let c = Checkpoint { progress: trainer.progress().clone(), weights: trainer.weights() };
        c.write(&path, design, &data.checksum, plan).map_err(|e| e.to_string())
    };
    let (begun, mut saved, mut said) = (Instant::now(), Instant::now(), trainer.progress().course.done);
    while trainer.step().is_some() {
        let done = trainer.progress().course.done;
        // A checkpoint holds all there is only where no batch is half done.
        if done - said >= STRIDE && trainer.is_between_batches() {
            watcher.advanced(effort * (done - said), true);
            said = done;
            if stop.load(Ordering::Relaxed) {
                save(&trainer)?;
                return Ok(None);
            }
            if saved.elapsed() >= CHECKPOINT_EVERY {
                save(&trainer)?;
                saved = Instant::now();
            }
        }
    }
    watcher.advanced(effort * (trainer.progress().course.done - said), true);
    let training = Training {
        identity: run.identity.clone(),
        epochs: trainer.progress().course.epochs.clone(),
        weights_digest: trainer.weights().digest(),
        counters: trainer.progress().counters.clone(),
        spent: trainer.progress().spent.clone(),
        milliseconds: begun.elapsed().as_millis() as u64,
    };
    store.keep_training(&training).map_err(|e| format!("its result cannot be kept: {e}"))?;
    let _ = std::fs::remove_file(&path);
    Ok(Some(training))
}
