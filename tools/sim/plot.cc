#include "tools/sim/plot.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "reactor/base/check.h"
#include "reactor/base/printed.h"

namespace xord::sim {
namespace {

constexpr double panel_width = 460;
constexpr double panel_height = 300;
constexpr double left = 62;
constexpr double right = 18;
constexpr double top = 34;
constexpr double bottom = 46;
constexpr double heading_line_height = 20;
constexpr double heading_margin = 20;
constexpr size_t heading_columns = 100;  // Characters that fit in a line above two panels.
constexpr size_t panels_a_row = 2;
// Okabe and Ito's palette, which the colour blind can tell apart, too.
constexpr const char* colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"};

std::string escaped(const std::string& words) {
  std::string result;
  for (const char letter : words) {
    if (letter == '&') {
      result += "&amp;";
    } else if (letter == '<') {
      result += "&lt;";
    } else {
      result += letter;
    }
  }
  return result;
}

// 1, 2 or 5 times a power of ten, such that `span` has about `count` steps.
double round_step(double span, double count) {
  CHECK(span > 0 && count > 0);
  const double raw = span / count;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) return factor * power;
  }
  return 10 * power;
}

class Drawing {
 public:
  Drawing(const Panel& panel, double x, double y) : panel_(panel), x_(x), y_(y) {
    for (const Curve& curve : panel.curves) {
      for (const auto& [at, value] : curve.points) {
        x_most_ = std::max(x_most_, at);
        y_most_ = std::max(y_most_, value);
      }
    }
    y_most_ = std::max(y_most_, panel.y_most);
    if (y_most_ <= 0) y_most_ = 1;
    if (x_most_ <= 0) x_most_ = 1;
    y_step_ = round_step(y_most_, 5);
    y_most_ = std::ceil(y_most_ / y_step_ - 1e-9) * y_step_;
  }

  std::string svg() const { return axes() + curves() + legend(); }

 private:
  double px(double at) const {
    const double width = panel_width - left - right;
    return x_ + left + at / x_most_ * width;
  }
  double py(double value) const {
    const double height = panel_height - top - bottom;
    return y_ + panel_height - bottom - value / y_most_ * height;
  }

  std::string x_tick(double at) const {
    const char* label = at >= 1e6 ? "%gM" : at >= 1e4 ? "%gk" : "%g";
    const double shown = at >= 1e6 ? at / 1e6 : at >= 1e4 ? at / 1e3 : at;
    return printed("<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' class='tick'/>", px(at), px(at),
                   py(0), py(0) + 5) +
           printed("<text x='%.1f' y='%.1f' class='number' text-anchor='middle'>", px(at),
                   py(0) + 18) +
           printed(label, shown) + "</text>\n";
  }

  std::string axes() const {
    std::string svg = printed("<text x='%.1f' y='%.1f' class='title'>", x_ + left, y_ + 20) +
                      escaped(panel_.title) + "</text>\n";
    for (double value = 0; value <= y_most_ * 1.0001; value += y_step_) {
      svg += printed("<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' class='grid'/>", x_ + left,
                     x_ + panel_width - right, py(value), py(value));
      svg += printed("<text x='%.1f' y='%.1f' class='number' text-anchor='end'>%g</text>\n",
                     x_ + left - 8, py(value) + 4, value);
    }
    const double step = round_step(x_most_, 6);
    for (double at = 0; at <= x_most_ + step * 1e-6; at += step) svg += x_tick(at);
    svg += printed("<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' class='axis'/>", x_ + left,
                   x_ + panel_width - right, py(0), py(0));
    svg += printed("<text x='%.1f' y='%.1f' class='label' text-anchor='middle'>",
                   x_ + left + (panel_width - left - right) / 2, y_ + panel_height - 8) +
           escaped(panel_.x_label) + "</text>\n";
    const double middle = y_ + top + (panel_height - top - bottom) / 2;
    svg += printed(
               "<text transform='translate(%.1f %.1f) rotate(-90)' class='label' "
               "text-anchor='middle'>",
               x_ + 14, middle) +
           escaped(panel_.y_label) + "</text>\n";
    return svg;
  }

  std::string curves() const {
    std::string svg;
    for (size_t i = 0; i < panel_.curves.size(); ++i) {
      const Curve& curve = panel_.curves[i];
      const char* colour = colours[i % std::size(colours)];
      svg += printed("<polyline fill='none' stroke-width='2' stroke='%s' points='", colour);
      for (const auto& [at, value] : curve.points) svg += printed("%.1f,%.1f ", px(at), py(value));
      svg += "'/>\n";
    }
    return svg;
  }

  // To the right of the title, one entry after the other.
  std::string legend() const {
    std::string svg;
    double at = x_ + panel_width - right;
    for (size_t i = panel_.curves.size(); i > 0; --i) {
      const Curve& curve = panel_.curves[i - 1];
      if (curve.name.empty()) continue;
      at -= 6.4 * static_cast<double>(curve.name.size());
      svg += printed("<text x='%.1f' y='%.1f' class='number'>", at, y_ + 20) + escaped(curve.name) +
             "</text>";
      svg += printed("<rect x='%.1f' y='%.1f' width='12' height='4' fill='%s'/>\n", at - 17,
                     y_ + 14, colours[(i - 1) % std::size(colours)]);
      at -= 28;
    }
    return svg;
  }

  const Panel& panel_;
  double x_;
  double y_;
  double x_most_ = 0;
  double y_most_ = 0;
  double y_step_ = 1;
};

std::vector<std::string> lines_of(const std::string& heading) {
  std::vector<std::string> lines(1);
  std::istringstream words(heading);
  for (std::string word; words >> word;) {
    const bool is_full = lines.back().size() + 1 + word.size() > heading_columns;
    if (is_full && !lines.back().empty()) lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : " ") + word;
  }
  return lines;
}

}  // namespace

std::string svg_of(const std::string& heading, const std::vector<Panel>& panels) {
  const size_t columns = std::min(panels.size(), panels_a_row);
  const size_t rows = (panels.size() + panels_a_row - 1) / panels_a_row;
  const double width = panel_width * static_cast<double>(columns);
  const std::vector<std::string> lines = lines_of(heading);
  const double heading_height =
      heading_margin + heading_line_height * static_cast<double>(lines.size());
  const double height = heading_height + panel_height * static_cast<double>(rows);
  std::string svg = printed(
      "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' viewBox='0 0 %.0f "
      "%.0f'>\n",
      width, height, width, height);
  svg +=
      "<style>text{font-family:Helvetica,Arial,sans-serif;fill:#222}.heading{font-size:16px;"
      "font-weight:bold}.title{font-size:14px;font-weight:bold}.label{font-size:12px}"
      ".number{font-size:11px;fill:#444}.grid{stroke:#e4e4e4}.axis,.tick{stroke:#222}</style>\n"
      "<rect width='100%' height='100%' fill='white'/>\n";
  for (size_t i = 0; i < lines.size(); ++i) {
    svg += printed("<text x='20' y='%.0f' class='heading'>",
                   26 + heading_line_height * static_cast<double>(i)) +
           escaped(lines[i]) + "</text>\n";
  }
  for (size_t i = 0; i < panels.size(); ++i) {
    const double x = panel_width * static_cast<double>(i % panels_a_row);
    const double y = heading_height + panel_height * static_cast<double>(i / panels_a_row);
    svg += Drawing(panels[i], x, y).svg();
  }
  return svg + "</svg>\n";
}

}  // namespace xord::sim
