//! The layers of a network, as typed: numbers of neurons, kernels, and the shape of the input.

use super::given::{Given, Result, Span};
use super::typed::{At, Conv, TypedLayer};
use crate::design::diagnostics::Refusal;
use crate::design::limits::{LABEL_WIDTH, MOST_CLASSES, MOST_LAYERS, MOST_NEURONS};
use crate::network::{Connection, Kernel, Network, Pool, Shape, Unfit};
use toml::Spanned;

/// Rows and columns of the largest kernel.
const MOST_KERNEL: i64 = 31;
/// The longest step of a kernel.
const MOST_STRIDE: i64 = 2;

/// The network of `layers`.
pub(super) fn network(layers: Given<Vec<Spanned<TypedLayer>>>) -> Result<Network> {
    let (at, mut typed) = (layers.at, layers.value.into_iter());
    if !(2..=MOST_LAYERS).contains(&typed.len()) {
        return Err(Refusal::new(
            "layers-too-many-or-few",
            format!("a network of {} layers cannot be built", typed.len()),
            format!(
                "write 2 to {MOST_LAYERS} sizes, from the input to the output, such as `layers = [64, 64, 10]`"
            ),
        )
        .at(at, format!("2 to {MOST_LAYERS} layers")));
    }
    let mut below = typed.next().map(input).transpose()?.unwrap_or(Shape::flat(1));
    let mut connections = Vec::new();
    let mut last = None;
    for layer in typed {
        let connection = connection(below, layer, &mut last, connections.len())?;
        below = connection.above();
        connections.push(connection);
    }
    if let Some(connection) = connections.last().filter(|c| !c.is_dense()) {
        return Err(Refusal::new(
            "output-not-dense",
            format!("the output is a map of {} neurons, not one neuron a class", connection.above()),
            "end `layers` with the number of classes, such as `10`",
        )
        .at(last, "not an output"));
    }
    if below.neurons() > MOST_CLASSES {
        return Err(Refusal::new(
            "outputs-too-many",
            format!(
                "{} outputs cannot be built: a result has {LABEL_WIDTH} bits for the label",
                below.neurons()
            ),
            format!("end `layers` with at most {MOST_CLASSES}"),
        )
        .at(at, format!("at most {MOST_CLASSES} outputs")));
    }
    Ok(Network::new(connections))
}

/// The input: a number of values, or the shape of an image.
fn input(typed: Spanned<TypedLayer>) -> Result<Shape> {
    let typed = Given::from(typed);
    match typed.value {
        TypedLayer::Neurons(n) => Ok(Shape::flat(neurons(n, typed.at)?)),
        TypedLayer::Shape(text) => {
            let parts: Option<Vec<usize>> = text.split('x').map(|part| part.parse().ok()).collect();
            match parts.as_deref() {
                Some(&[rows, columns, channels]) if rows.min(columns).min(channels) > 0 => {
                    held(Shape { rows, columns, channels }, typed.at)
                }
                _ => Err(Refusal::new(
                    "shape-unreadable",
                    format!("\"{text}\" is no shape"),
                    "write rows, columns and channels, such as \"28x28x1\"",
                )
                .at(typed.at, "rows x columns x channels")),
            }
        }
        TypedLayer::Conv(_) => Err(Refusal::new(
            "input-missing",
            "`layers` begins with the input, and this is a kernel",
            "write the shape of the images before it: rows, columns and channels, such as \"28x28x1\"",
        )
        .at(typed.at, "moved over what?")),
    }
}

/// The synapses to a layer. `last` becomes its place.
fn connection(
    below: Shape,
    typed: Spanned<TypedLayer>,
    last: &mut Span,
    connections: usize,
) -> Result<Connection> {
    let typed = Given::from(typed);
    last.clone_from(&typed.at);
    match typed.value {
        TypedLayer::Neurons(n) => Ok(Connection::dense(below, neurons(n, typed.at)?)),
        TypedLayer::Conv(conv) => convolution(below, conv, typed.at, connections),
        TypedLayer::Shape(text) => Err(Refusal::new(
            "shape-behind-input",
            format!("only the input is given by its shape, and \"{text}\" stands behind it"),
            "write a number of neurons, or a kernel such as `{ conv = 16, kernel = 3 }`",
        )
        .at(typed.at, "not the first")),
    }
}

/// A kernel moved over the layer below.
fn convolution(below: Shape, conv: Conv, at: Span, connections: usize) -> Result<Connection> {
    let lacking = |key: &str, what: &str| {
        let help = format!("`{key}` is {what}");
        Refusal::new("key-missing", format!("this kernel lacks `{key}`"), help).at(at.clone(), "add it here")
    };
    let number = |typed: At<i64>, key: &str, default: i64, to: i64| -> Result<usize> {
        let given = typed.map_or(Given::default(default), Given::from);
        let from = i64::from(key != "padding");
        if (from..=to).contains(&given.value) {
            return Ok(given.value as usize);
        }
        let message = format!("{} is no possible `{key}`", given.value);
        let help = format!("write a whole number from {from} to {to}");
        Err(Refusal::new(format!("{key}-out-of-range"), message, help)
            .at(given.at, format!("from {from} to {to}")))
    };
    if conv.channels.is_none() {
        return Err(lacking("conv", "the number of its channels, such as `conv = 16`"));
    }
    if conv.kernel.is_none() {
        return Err(lacking("kernel", "the number of its rows and columns, such as `kernel = 3`"));
    }
    let channels = number(conv.channels, "conv", 1, MOST_NEURONS as i64)?;
    let size_at = conv.kernel.as_ref().map(Spanned::span);
    let size = number(conv.kernel, "kernel", 1, MOST_KERNEL)?;
    let stride = number(conv.stride, "stride", 1, MOST_STRIDE)?;
    let padding = number(conv.padding, "padding", 0, size as i64 - 1)?;
    let pool = conv.pool.map_or(Given::default(Pool::None), Given::from);
    let kernel = Kernel { size, stride, padding, pool: pool.value };
    if below.places() == 1 {
        return Err(Refusal::new(
            "kernel-on-one-place",
            format!("a kernel is moved over places, and the layer below has one ({below})"),
            if connections == 0 {
                "write the shape of the images as the first layer, such as \"28x28x1\"".to_owned()
            } else {
                format!("write the number of neurons, `{channels}`, for a dense layer")
            },
        )
        .at(at, "nowhere to move"));
    }
    let connection = Connection::conv(below, channels, kernel)
        .map_err(|unfit| does_not_fit(unfit, kernel, below, [at.clone(), size_at, pool.at]))?;
    held(connection.above(), at)?;
    Ok(connection)
}

/// The refusal of a kernel that cannot be moved over the layer below.
fn does_not_fit(unfit: Unfit, kernel: Kernel, below: Shape, [at, size, pool]: [Span; 3]) -> Refusal {
    let Kernel { size: k, stride, padding, .. } = kernel;
    let padded = if padding > 0 { format!(" with its padding of {padding}") } else { String::new() };
    match unfit {
        Unfit::Larger { room } => Refusal::new(
            "kernel-too-large",
            format!("a kernel of {k} rows does not fit a layer of {below}{padded}: it has {room} one way"),
            format!("write `kernel = {room}` or less, or more padding"),
        )
        .at(size, "larger than its layer"),
        Unfit::Uneven { room, over } => Refusal::new(
            "stride-does-not-divide",
            format!(
                "in steps of {stride} a kernel of {k} rows leaves {over} of {room} rows or columns over \
                 (a layer of {below}{padded})"
            ),
            format!("write `kernel = {}`, or another padding, or `stride = 1`", k + over),
        )
        .at(at, "does not end at the edge"),
        Unfit::Idle { most } => Refusal::new(
            "kernel-idle",
            format!(
                "some of the {k} rows of this kernel would only ever lie in the padding of a layer of {below}"
            ),
            format!("write `kernel = {}` or less, or less padding", most.min(k - 1)),
        )
        .at(at, "more than there is to see"),
        Unfit::Unseen => Refusal::new(
            "stride-beyond-kernel",
            format!(
                "a kernel of {k} rows in steps of {stride} leaves rows and columns of the layer below unseen"
            ),
            format!("write `kernel = {stride}` or more, or `stride = 1`"),
        )
        .at(at, "steps over neurons"),
        Unfit::Odd { map } => Refusal::new(
            "map-odd-under-pool",
            format!("a pool takes two by two, and the map has {map} rows or columns"),
            format!("write `kernel = {}`, or another padding, or no pool", k + stride),
        )
        .at(pool, "of an odd map"),
    }
}

/// So many neurons.
fn neurons(typed: i64, at: Span) -> Result<usize> {
    match usize::try_from(typed) {
        Ok(n) if (1..=MOST_NEURONS).contains(&n) => Ok(n),
        _ => Err(too_wide(&typed.to_string(), at)),
    }
}

/// A shape of so many neurons.
fn held(shape: Shape, at: Span) -> Result<Shape> {
    let neurons = shape.rows.checked_mul(shape.columns).and_then(|n| n.checked_mul(shape.channels));
    match neurons {
        Some(1..=MOST_NEURONS) => Ok(shape),
        _ => Err(too_wide(&shape.to_string(), at)),
    }
}

fn too_wide(neurons: &str, at: Span) -> Refusal {
    Refusal::new(
        "layer-too-wide",
        format!("a layer of {neurons} neurons cannot be built"),
        format!("write 1 to {MOST_NEURONS} neurons"),
    )
    .at(at, format!("1 to {MOST_NEURONS} neurons"))
}
