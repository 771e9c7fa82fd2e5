//! The oracle: the same network in 64-bit floats.

use crate::data::{self, Data};
use crate::design::Design;
use crate::errors;
use crate::signals::Listener;
use eqhdl::design;
use eqhdl::gradient::{Curves, Trace, examples};
use eqhdl::oracle::bptt::gradients;
use eqhdl::oracle::train::{FloatTrainer, real_input};
use eqhdl::oracle::{FloatNetwork, Oracle, Parameters, Unwatched};
use eqhdl::rules::Program;
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::{Arc, Mutex, PoisonError};

/// The model of a design in real numbers.
#[pyclass(frozen, module = "eqhdl._eqhdl")]
pub struct FloatModel {
    design: Arc<design::Design>,
    parameters: Mutex<Parameters>,
}

impl FloatModel {
    fn now(&self) -> Parameters {
        self.parameters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, parameters: &Parameters) {
        *self.parameters.lock().unwrap_or_else(PoisonError::into_inner) = parameters.clone();
    }
}

fn arrays<'py>(py: Python<'py>, parameters: &Parameters) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (l, layer) in (1..).zip(&parameters.layers) {
        let w = Array2::from_shape_fn((layer.post, layer.pre), |(i, j)| layer.weight(i, j));
        dict.set_item(format!("w{l}"), w.into_pyarray(py))?;
        dict.set_item(format!("b{l}"), PyArray1::from_slice(py, &layer.bias))?;
        if let Some(back) = &layer.backward {
            let back = Array2::from_shape_fn((layer.post, layer.pre), |(i, j)| back[j * layer.post + i]);
            dict.set_item(format!("back{l}"), back.into_pyarray(py))?;
        }
    }
    Ok(dict)
}

#[pymethods]
impl FloatModel {
    /// With the real values of the design's initial weights.
    #[new]
    fn new(design: &Design) -> FloatModel {
        let parameters = Mutex::new(Parameters::initial(&design.meaning));
        FloatModel { design: design.meaning.clone(), parameters }
    }

    /// `eqhdl train --float`; accuracies of each epoch (train, test).
    fn fit(&self, py: Python<'_>, data: &Data, epochs: Option<u32>) -> PyResult<(Vec<f64>, Vec<f64>)> {
        let mut design = (*self.design).clone();
        design.epochs = epochs.unwrap_or(design.epochs);
        if design.epochs == 0 {
            return Err(errors::design_message("epochs=0: a training has at least one epoch".to_owned()));
        }
        py.detach(|| {
            let mut trainer = FloatTrainer::new(&design, &data.dataset);
            let (mut listener, mut stopped) = (Listener::new(), None);
            while stopped.is_none() && trainer.step().is_some() {
                stopped = listener.hear();
            }
            self.keep(trainer.parameters());
            let (course, plan) = (trainer.course(), trainer.plan());
            let scores = (course.train_accuracies(plan), course.test_accuracies(plan));
            stopped.map_or(Ok(scores), Err)
        })
    }

    fn predict<'py>(
        &self,
        py: Python<'py>,
        design: &Design,
        x: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray1<u16>>> {
        let dataset = data::unlabelled(design, x)?;
        let made = py.detach(|| {
            let (d, parameters) = (&*self.design, self.now());
            let mut oracle = Oracle::new(FloatNetwork::of(d), Program::of(d), parameters, d.seed);
            let run = |index| {
                oracle.sample = index as u32;
                oracle.run(&real_input(d, &dataset.train, index), 0, false, &mut Unwatched)
            };
            (0..dataset.train.len()).map(run).collect()
        });
        Ok(PyArray1::from_vec(py, made))
    }

    /// Weights `w1` (rows: post-synaptic), biases `b1`, ...
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        arrays(py, &self.now())
    }

    /// The direction of learning, mean over the samples: minus the gradient by backpropagation through the last K of T steps,
    /// or what the design's rule estimates of it.
    fn gradient<'py>(&self, py: Python<'py>, data: &Data, bptt: bool) -> PyResult<Bound<'py, PyDict>> {
        if self.design.is_complex() {
            return Err(errors::design_message(
                "gradients of holomorphic EP are not told here; `eqhdl gradient` compares them".to_owned(),
            ));
        }
        let mean = py.detach(|| {
            let (d, parameters) = (&*self.design, self.now());
            let network = FloatNetwork::of(d);
            let all = examples(d, &data.dataset.train, 0, data.dataset.train.len());
            let passes = |steps| d.order.passes(steps) as usize;
            let mut mean = parameters.zero_like();
            for example in &all {
                let curves = if bptt {
                    let target = network.target(example.label);
                    let (free, back) = (passes(d.free_steps), passes(d.nudged_steps));
                    Curves::of_bptt(
                        &network,
                        gradients(&network, &parameters, &example.real, &target, free, back),
                    )
                } else {
                    Curves::of_trace(&network, &example.real, &Trace::float(d, &parameters, example))
                };
                if let Some(sum) = curves.sum() {
                    mean.add_scaled(1.0 / all.len() as f64, &sum);
                }
            }
            mean
        });
        arrays(py, &mean)
    }
}
