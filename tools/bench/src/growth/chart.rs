//! The growth curves as pictures, drawn from the figures of a run.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use plotters::prelude::*;

use super::curve;
use super::routes::Route;

/// Width and height in pixels.
const SIZE: (u32, u32) = (720, 420);

/// Text and axes: as far from white as from the black of a dark page.
const INK: RGBColor = RGBColor(118, 118, 118);

/// One colour for each route, told apart on a light page and on a dark one.
const COLOURS: [RGBColor; 4] = [
    RGBColor(31, 136, 229),
    RGBColor(230, 126, 34),
    RGBColor(46, 160, 67),
    RGBColor(190, 90, 200),
];

/// What a chart shows.
struct Chart {
    file: &'static str,
    title: &'static str,
    axis: &'static str,
    /// The figure of each route that is drawn, and one drawn thinly beside it.
    figure: &'static str,
    beside: Option<&'static str>,
}

const CHARTS: [Chart; 2] = [
    Chart {
        file: "growth-time.svg",
        title: "Time of a call; thin: the bare calls of the database that it makes",
        axis: "milliseconds (median)",
        figure: "call_ms",
        beside: Some("bare_ms"),
    },
    Chart {
        file: "growth-units.svg",
        title: "Read units of a call",
        axis: "read units",
        figure: "read_units",
        beside: None,
    },
];

/// Draws the charts into a folder.
///
/// # Errors
/// If the figures do not hold the growth curves, or a file cannot be written.
pub fn draw(figures: &BTreeMap<String, f64>, folder: &Path) -> anyhow::Result<()> {
    for chart in &CHARTS {
        let file = folder.join(chart.file);
        let svg = svg(chart, figures).context(chart.file)?;
        std::fs::write(&file, svg).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

fn svg(chart: &Chart, figures: &BTreeMap<String, f64>) -> anyhow::Result<String> {
    let mut curves = Vec::new();
    for (route, colour) in Route::ALL.into_iter().zip(COLOURS) {
        let thick = curve(figures, route.slug(), chart.figure)?;
        ensure!(
            thick.len() > 1,
            "{} was measured at too few sizes",
            route.what()
        );
        let thin = match chart.beside {
            Some(what) => curve(figures, route.slug(), what)?,
            None => Vec::new(),
        };
        curves.push((route.what(), colour, thick, thin));
    }
    let mut svg = String::new();
    paint(&mut svg, chart, &curves).map_err(|error| anyhow!("{error}"))?;
    Ok(svg)
}

type Curve = (&'static str, RGBColor, Vec<(f64, f64)>, Vec<(f64, f64)>);
type Failure<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

fn paint<'a>(svg: &'a mut String, chart: &Chart, curves: &[Curve]) -> Result<(), Failure<'a>> {
    let points = || {
        let all = curves
            .iter()
            .flat_map(|(_, _, thick, thin)| thick.iter().chain(thin));
        all.copied()
    };
    let (first, last) = ends(points().map(|(size, _)| size));
    let (lowest, highest) = ends(points().map(|(_, value)| value));
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let text = |size: i32| ("sans-serif", size).into_font().color(&INK);
    let mut area = ChartBuilder::on(&root)
        .margin(12)
        .margin_right(44)
        .caption(chart.title, text(19))
        .x_label_area_size(50)
        .y_label_area_size(62)
        // Above the curves there is room for the names.
        .build_cartesian_2d(
            (first..last).log_scale(),
            (lowest / 1.5..highest * 10.0).log_scale(),
        )?;
    area.configure_mesh()
        .x_desc("bans in one experience")
        .y_desc(chart.axis)
        .axis_desc_style(text(17))
        .label_style(text(16))
        .axis_style(INK)
        .bold_line_style(INK.mix(0.25))
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|size| super::grouped(rounded(*size)))
        .y_label_formatter(&|value| format!("{value}"))
        .draw()?;
    for (name, colour, thick, thin) in curves {
        let colour = *colour;
        let line = LineSeries::new(thick.iter().copied(), colour.stroke_width(2)).point_size(3);
        area.draw_series(line)?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        let thin = thin.iter().copied();
        area.draw_series(LineSeries::new(thin, colour.mix(0.7).stroke_width(1)))?;
    }
    area.configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font(text(16))
        .background_style(TRANSPARENT)
        .border_style(TRANSPARENT)
        .draw()?;
    root.present()
}

/// The smallest and the largest.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, 0.0), |(lowest, highest), value| {
        (lowest.min(value), highest.max(value))
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of bans"
)]
fn rounded(size: f64) -> u64 {
    size.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> BTreeMap<String, f64> {
        let mut figures = BTreeMap::new();
        for route in Route::ALL {
            for (size, value) in [(1000, 1.0), (10_000, 1.1), (1_000_000, 1.4)] {
                for what in ["call_ms", "bare_ms", "read_units"] {
                    figures.insert(format!("growth.{}.{size}.{what}", route.slug()), value);
                }
            }
        }
        figures
    }

    #[test]
    fn a_chart_names_its_routes_and_its_axes() {
        for chart in &CHARTS {
            let svg = svg(chart, &figures()).unwrap();
            let names = Route::ALL.into_iter().map(Route::what);
            for text in names.chain([chart.axis, "bans in one experience", "1,000,000"]) {
                assert!(svg.contains(text), "{text} is missing in {}", chart.file);
            }
            // No ground of its own: the page's shows through.
            assert!(!svg.to_lowercase().contains("#ffffff"), "{svg}");
        }
    }

    #[test]
    fn without_its_figures_there_is_no_chart() {
        assert!(svg(&CHARTS[0], &BTreeMap::new()).is_err());
    }
}
