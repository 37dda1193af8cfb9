use pyo3::prelude::*;

#[pyfunction]
fn slug(title: &str) -> String {
    slugs::slug(title)
}

#[pymodule]
fn slugs_python(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(slug, module)?)
}
