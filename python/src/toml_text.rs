//! Python's values as TOML, the language of design files.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use toml::{Table, Value};

/// A value; `place` names it in messages.
pub fn value(object: &Bound<'_, PyAny>, place: &str) -> PyResult<Value> {
    // A boolean is an integer to Python.
    if object.is_instance_of::<PyBool>() {
        return Ok(Value::Boolean(object.extract()?));
    }
    if object.is_instance_of::<PyInt>() {
        return Ok(Value::Integer(object.extract()?));
    }
    if object.is_instance_of::<PyFloat>() {
        return Ok(Value::Float(object.extract()?));
    }
    if object.is_instance_of::<PyString>() {
        return Ok(Value::String(object.extract()?));
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        return Ok(Value::Table(table(dict, place)?));
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        let items = object.try_iter()?.map(|item| value(&item?, place));
        return Ok(Value::Array(items.collect::<PyResult<_>>()?));
    }
    // NumPy's numbers and arrays, and paths.
    if object.hasattr("tolist")? {
        return value(&object.call_method0("tolist")?, place);
    }
    if object.hasattr("__fspath__")? {
        return value(&object.call_method0("__fspath__")?, place);
    }
    let kind = object.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "{place}: a design file holds numbers, texts, booleans, lists and tables, and no {kind}"
    )))
}

/// A table; keys are texts.
pub fn table(dict: &Bound<'_, PyDict>, place: &str) -> PyResult<Table> {
    let item = |(key, item): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let key: String = key
            .extract()
            .map_err(|_| PyTypeError::new_err(format!("{place}: the key {key} is not a text")))?;
        let inside = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        Ok((key, value(&item, &inside)?))
    };
    dict.iter().map(item).collect()
}
