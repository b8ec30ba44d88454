#include "tools/store/store_flags.h"

#include <cerrno>

#include "tools/failure.h"
#include "tools/user_dirs.h"

namespace xord {

void add_data_dir_flag(CLI::App& app, StoreFlags& flags) {
  add_repeatable(app, "--data-dir", flags.data_dir,
                 "The node's data directory [$XDG_DATA_HOME/xord or ~/.local/share/xord]")
      ->type_name("DIR");
}

void add_json_flag(CLI::App& app, StoreFlags& flags) {
  app.add_flag("--json", flags.json, "Print the result as JSON");
}

std::string data_dir_of(const StoreFlags& flags, const Terminal& terminal) {
  if (!flags.data_dir.empty()) return one_value("--data-dir", flags.data_dir);
  const std::string named = variable(terminal.environment, "XORD_DATA_DIR");
  return named.empty() ? user_data_dir(terminal.environment).path : named;
}

namespace {

std::unique_ptr<DataDirectory> open(const std::string& path, bool may_be_held) {
  auto opened = DataDirectory::open_to_read(path);
  if (const auto* error = std::get_if<IoError>(&opened)) {
    if (error->error_number == EWOULDBLOCK && may_be_held) return nullptr;
    throw Failure(ExitCode::environment, error->sentence);
  }
  return std::move(std::get<std::unique_ptr<DataDirectory>>(opened));
}

}  // namespace

std::unique_ptr<DataDirectory> open_unless_held(const std::string& path) {
  return open(path, true);
}

std::unique_ptr<DataDirectory> open_stopped(const std::string& path) {
  return open(path, false);
}

}  // namespace xord
