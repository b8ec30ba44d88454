// What the API says about the node as a whole: its settings, and the routes themselves.
#include "node/server/api/api.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// A list as an array, anything else as its one text.
ControlJson value_of(const ShownSetting& setting, const std::vector<std::string>& texts) {
  if (setting.is_list) return texts;
  CHECK(texts.size() <= 1);
  return texts.empty() ? "" : texts.front();
}

}  // namespace

ControlJson Api::config() const {
  ControlJson settings = ControlJson::array();
  const ServerConfig config = admin_.config();
  for (const ShownSetting& setting : config.settings) {
    ControlJson shown = {{"name", setting.name},
                         {"value", value_of(setting, setting.value)},
                         {"default", value_of(setting, setting.default_value)},
                         {"origin", setting.origin},
                         {"reloadable", setting.is_reloadable}};
    if (setting.after_restart) {
      shown["after_restart"] = value_of(setting, *setting.after_restart);
    }
    settings.push_back(std::move(shown));
  }
  return {{"settings", settings}};
}

ControlJson Api::openapi() const {
  CHECK(openapi_.is_object());
  return openapi_;
}

}  // namespace xord
