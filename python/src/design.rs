//! A design, as text and as what it means.

use crate::data::Data;
use crate::{cosim, errors, toml_text};
use eqhdl::cli::{check, generate};
use eqhdl::design::{self, Keys};
use eqhdl::schedule::Layout;
use eqhdl::study::edit;
use eqhdl::verilog::replace_written;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;
use std::sync::Arc;

/// A validated design and its text.
#[pyclass(frozen, module = "eqhdl._eqhdl")]
pub struct Design {
    pub text: String,
    pub path: PathBuf,
    pub meaning: Arc<design::Design>,
}

impl Design {
    fn of_text(text: String, path: PathBuf) -> PyResult<Design> {
        let meaning = Arc::new(design::parse(&path, &text).map_err(errors::of_design)?);
        Ok(Design { text, path, meaning })
    }
}

#[pymethods]
impl Design {
    /// Of a text; `path` names it in errors, and its stem names the design where the text does not.
    #[staticmethod]
    fn parse(text: String, path: PathBuf) -> PyResult<Design> {
        Design::of_text(text, path)
    }

    /// Of a file.
    #[staticmethod]
    fn load(path: PathBuf) -> PyResult<Design> {
        // The loader's words for what is no text; then the text itself.
        let meaning = design::load(&path).map_err(errors::of_design)?;
        let text = std::fs::read_to_string(&path)?;
        Ok(Design { text, path, meaning: Arc::new(meaning) })
    }

    /// Of tables: section, key, value.
    #[staticmethod]
    fn of_tables(tables: &Bound<'_, PyDict>, path: PathBuf) -> PyResult<Design> {
        let table = toml_text::table(tables, "")?;
        let text = toml::to_string(&table).map_err(|e| errors::design_message(e.to_string()))?;
        Design::of_text(text, path)
    }

    /// Another design, with fields (`section.key`) set.
    fn replace(&self, fields: &Bound<'_, PyDict>) -> PyResult<Design> {
        let mut text = self.text.clone();
        for (name, value) in fields {
            let name: String = name.extract()?;
            let (section, key) = name.split_once('.').ok_or_else(|| {
                errors::design_message(format!(
                    "`{name}` names no field of a design; fields are named by section and key, such as `formats.weight`"
                ))
            })?;
            let value = toml_text::value(&value, &name)?.to_string();
            text = edit::set(&text, section, key, &value).ok_or_else(|| {
                errors::design_message(format!("`{name}` cannot be set: [{section}] is no section here"))
            })?;
        }
        Design::of_text(text, self.path.clone())
    }

    #[getter]
    fn text(&self) -> &str {
        &self.text
    }

    #[getter]
    fn path(&self) -> PathBuf {
        self.path.clone()
    }

    #[getter]
    fn name(&self) -> &str {
        &self.meaning.name
    }

    /// Neurons of layers 0 (the input) to L.
    #[getter]
    fn neurons(&self) -> Vec<usize> {
        let network = &self.meaning.network;
        std::iter::once(network.inputs()).chain(network.layers().map(|l| network.neurons(l))).collect()
    }

    #[getter]
    fn layers_text(&self) -> String {
        self.meaning.network.to_string()
    }

    #[getter]
    fn epochs(&self) -> u32 {
        self.meaning.epochs
    }

    /// Of all that decides a bit of a training.
    #[getter]
    fn digest(&self) -> String {
        Keys::of_training(&self.meaning).digest()
    }

    fn warnings(&self) -> Vec<String> {
        design::warnings(&self.meaning)
    }

    /// What `eqhdl check --json` prints.
    fn check(&self) -> PyResult<String> {
        serde_json::to_string(&check::report(&self.meaning)).map_err(|e| errors::tool_message(e.to_string()))
    }

    /// Writes the folder of `eqhdl generate`; the names of its files.
    fn generate(&self, py: Python<'_>, folder: PathBuf) -> PyResult<Vec<String>> {
        py.detach(|| {
            let layout = Layout::of(&self.meaning);
            let sources = generate::sources(&self.meaning, &layout).delivered(&self.meaning);
            replace_written(&sources, &self.meaning, &folder)
                .map_err(|e| errors::tool_message(format!("cannot write to {}: {e}", folder.display())))?;
            Ok(sources.files.into_keys().collect())
        })
    }

    /// The samples that the design names.
    fn data(&self, py: Python<'_>) -> PyResult<Data> {
        py.detach(|| eqhdl::data::load(&self.meaning)).map(Data::of).map_err(errors::of_data)
    }

    /// Hardware and reference side by side; a report in JSON.
    #[pyo3(signature = (data, samples, epochs, level, folder, inject))]
    #[allow(clippy::too_many_arguments)] // Python's keywords, one each
    fn cosim(
        &self,
        py: Python<'_>,
        data: &Data,
        samples: Option<usize>,
        epochs: Option<u32>,
        level: &str,
        folder: PathBuf,
        inject: Option<String>,
    ) -> PyResult<String> {
        let asked = cosim::Asked { samples, epochs, level, folder, inject };
        cosim::run(py, &self.meaning, &data.dataset, &asked)
    }
}
