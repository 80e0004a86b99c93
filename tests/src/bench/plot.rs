//! Plots of lines as SVG, both axes from zero, so that a slope looks as steep as it is.

use std::io;
use std::path::Path;

use plotters::prelude::{
    ChartBuilder, Circle, Color as _, IntoDrawingArea as _, LineSeries, Palette as _, Palette99, PathElement,
    SVGBackend, SeriesLabelPosition, WHITE,
};

/// The size of a plot.
const SIZE: (u32, u32) = (800, 480);
/// How much further the axes go than the points: a little across, and up enough for the names of the lines.
const BEYOND: (f64, f64) = (1.05, 1.6);
const FONT: (&str, u32) = ("sans-serif", 18);

/// A plot.
pub(super) struct Plot {
    /// What stands above it.
    pub(super) title: &'static str,
    /// What the axis across says.
    pub(super) across: &'static str,
    /// What the axis up says.
    pub(super) up: &'static str,
    /// The lines.
    pub(super) lines: Vec<Line>,
}

/// A line with its points marked.
pub(super) struct Line {
    /// Its name.
    pub(super) name: String,
    /// Its points, from the left to the right.
    pub(super) points: Vec<(f64, f64)>,
}

/// Writes a plot, and says where.
pub(super) fn write(path: &Path, plot: &Plot) -> io::Result<()> {
    draw(path, plot).map_err(|error| io::Error::other(format!("{} was not written: {error}", path.display())))?;
    println!("{}", path.display());
    Ok(())
}

fn draw(path: &Path, plot: &Plot) -> Result<(), Box<dyn std::error::Error>> {
    let points = || plot.lines.iter().flat_map(|line| &line.points);
    let right = points().map(|point| point.0).fold(0.0, f64::max) * BEYOND.0;
    let top = points().map(|point| point.1).fold(0.0, f64::max) * BEYOND.1;
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(plot.title, FONT)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..right, 0.0..top)?;
    chart.configure_mesh().max_light_lines(0).x_desc(plot.across).y_desc(plot.up).draw()?;
    for (number, line) in plot.lines.iter().enumerate() {
        let color = Palette99::pick(number).to_rgba();
        let drawn = chart.draw_series(LineSeries::new(line.points.iter().copied(), color.stroke_width(2)))?;
        drawn.label(&line.name).legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
        chart.draw_series(line.points.iter().map(|point| Circle::new(*point, 3, color.filled())))?;
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE).draw()?;
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_names_its_axes_and_lines_and_reaches_from_zero() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plot.svg");
        let line = Line { name: "settled".to_owned(), points: vec![(1.0, 2.0), (10.0, 2.5)] };
        write(&path, &Plot { title: "Cost", across: "streams", up: "seconds", lines: vec![line] }).unwrap();
        let svg = std::fs::read_to_string(path).unwrap();
        for word in ["Cost", "streams", "seconds", "settled", "0.0", "<circle"] {
            assert!(svg.contains(word), "no {word} in\n{svg}");
        }
    }
}
