//! Samples: from NumPy's arrays, and back to them.

use crate::design::Design;
use crate::errors;
use eqhdl::data::{DataError, Dataset, Elements, InMemory, Samples};
use numpy::ndarray::ArrayViewD;
use numpy::{Element, PyArray1, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;

/// Samples to train on and to test with, as a design takes them.
#[pyclass(frozen, module = "eqhdl._eqhdl")]
pub struct Data {
    pub dataset: Arc<Dataset>,
}

impl Data {
    pub fn of(dataset: Dataset) -> Data {
        Data { dataset: Arc::new(dataset) }
    }
}

#[pymethods]
impl Data {
    /// Of arrays; a copy is taken, so that nobody changes a training while it runs.
    #[new]
    #[pyo3(signature = (design, x, y, x_test=None, y_test=None))]
    fn new(
        design: &Design,
        x: &Bound<'_, PyAny>,
        y: &Bound<'_, PyAny>,
        x_test: Option<&Bound<'_, PyAny>>,
        y_test: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Data> {
        let train = samples(("x", "y"), x, y)?;
        let test = match (x_test, y_test) {
            (Some(x), Some(y)) => Some(samples(("x_test", "y_test"), x, y)?),
            _ => None,
        };
        Dataset::in_memory(&design.meaning, train, test).map(Data::of).map_err(errors::of_data)
    }

    #[getter]
    fn checksum(&self) -> &str {
        &self.dataset.checksum
    }

    /// Inputs (samples, values) and labels (samples,) to train on.
    fn train<'py>(&self, py: Python<'py>) -> PyResult<Pair<'py>> {
        arrays(py, &self.dataset.train)
    }

    /// The same to test with.
    fn test<'py>(&self, py: Python<'py>) -> PyResult<Pair<'py>> {
        arrays(py, &self.dataset.test)
    }
}

type Pair<'py> = (Bound<'py, PyArrayDyn<f32>>, Bound<'py, PyArray1<u16>>);

fn arrays<'py>(py: Python<'py>, samples: &Samples) -> PyResult<Pair<'py>> {
    let values = PyArray1::from_slice(py, &samples.values).reshape([samples.len(), samples.inputs])?;
    Ok((values.to_dyn().clone(), PyArray1::from_slice(py, &samples.labels)))
}

/// Inputs alone, for predictions: their labels are 0.
pub fn unlabelled(design: &Design, x: &Bound<'_, PyAny>) -> PyResult<Dataset> {
    let x = array(x)?;
    let count = x.shape().first().copied().unwrap_or(0);
    let samples = inputs(("x", "y"), &x, &vec![0; count])?;
    Dataset::in_memory(&design.meaning, samples, None).map_err(errors::of_data)
}

fn samples(
    names: (&'static str, &'static str),
    x: &Bound<'_, PyAny>,
    y: &Bound<'_, PyAny>,
) -> PyResult<InMemory> {
    let (x, y) = (array(x)?, array(y)?);
    let wrong = |what: String| errors::data_message(format!("in memory: array `{}` {what}", names.1));
    if !matches!(y.shape(), [_] | [_, 1]) {
        let shape = y.shape();
        return Err(wrong(format!("has shape {shape:?}; labels have one dimension: one number per sample")));
    }
    let kind: String = y.dtype().getattr("kind")?.extract()?;
    let labels: Vec<i64> = match kind.as_str() {
        "b" | "i" | "u" => converted::<i64, _>(&y, "int64", |labels| labels.iter().copied().collect())?,
        "f" => converted::<f64, _>(&y, "float64", |labels| whole(names.1, labels))??,
        _ => {
            let found = y.dtype().str()?;
            return Err(wrong(format!(
                "has dtype {found}; labels are whole numbers: convert with .astype(\"uint16\")"
            )));
        }
    };
    inputs(names, &x, &labels)
}

/// Floats as labels: whole ones. Those beyond 64 bits end there, and are no labels either.
fn whole(array: &'static str, labels: ArrayViewD<'_, f64>) -> PyResult<Vec<i64>> {
    let of = |(sample, &label): (usize, &f64)| {
        if label.fract() == 0.0 {
            return Ok(label as i64);
        }
        let path = PathBuf::from("in memory");
        Err(errors::of_data(DataError::LabelFraction { path, array, sample, label }))
    };
    labels.iter().enumerate().map(of).collect()
}

/// Looks at the elements of an array as ones of another type.
fn converted<T: Element, R>(
    array: &Bound<'_, PyUntypedArray>,
    dtype: &str,
    f: impl FnOnce(ArrayViewD<'_, T>) -> R,
) -> PyResult<R> {
    view(&array.call_method1("astype", (dtype,))?.cast_into::<PyArrayDyn<T>>()?, f)
}

fn inputs(
    names: (&'static str, &'static str),
    x: &Bound<'_, PyUntypedArray>,
    labels: &[i64],
) -> PyResult<InMemory> {
    type None64 = std::iter::Empty<f64>;
    type None8 = std::iter::Empty<u8>;
    let shape = x.shape().to_vec();
    let made = if let Ok(bytes) = x.cast::<PyArrayDyn<u8>>() {
        view(bytes, |a| {
            let elements = Elements::<_, None64>::Bytes(a.iter().copied());
            InMemory::samples(names, &shape, elements, labels)
        })
    } else if let Ok(floats) = x.cast::<PyArrayDyn<f32>>() {
        view(floats, |a| {
            let elements = Elements::<None8, _>::Floats(a.iter().map(|&v| f64::from(v)));
            InMemory::samples(names, &shape, elements, labels)
        })
    } else if matches!(x.dtype().getattr("kind")?.extract::<String>()?.as_str(), "b" | "i" | "u" | "f") {
        converted::<f64, _>(x, "float64", |a| {
            let elements = Elements::<None8, _>::Floats(a.iter().copied());
            InMemory::samples(names, &shape, elements, labels)
        })
    } else {
        let found = x.dtype().str()?;
        return Err(errors::data_message(format!(
            "in memory: array `{}` has dtype {found}; inputs are numbers: bool, integers (uint8 is divided by 255) or floats; convert with .astype(\"float32\")",
            names.0
        )));
    };
    made?.map_err(errors::of_data)
}

/// Looks at an array, however it lies.
fn view<T: Element, R>(
    array: &Bound<'_, PyArrayDyn<T>>,
    f: impl FnOnce(ArrayViewD<'_, T>) -> R,
) -> PyResult<R> {
    let reader = array
        .try_readonly()
        .map_err(|e| errors::data_message(format!("in memory: an array is in use: {e}")))?;
    Ok(f(reader.as_array()))
}

/// Whatever NumPy takes for an array, in this machine's byte order.
pub fn array<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyUntypedArray>> {
    let numpy = object.py().import("numpy")?;
    let array = numpy
        .call_method1("asarray", (object,))
        .map_err(|e| errors::data_message(format!("in memory: this is no array: {e}")))?;
    let dtype = array.getattr("dtype")?;
    let array = match dtype.getattr("isnative")?.extract()? {
        true => array,
        false => array.call_method1("astype", (dtype.call_method1("newbyteorder", ("=",))?,))?,
    };
    Ok(array.cast_into::<PyUntypedArray>()?)
}
