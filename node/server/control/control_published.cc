// The control commands keep, forget and published: the list of what the node publishes again each
// day.
#include "node/budget.h"
#include "node/server/admin/published_query.h"
#include "node/server/control/control_command.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/check.h"
#include "reactor/base/hex.h"

namespace xord {
namespace {

ControlJson json_of(const PublishedKey& published) {
  return {{"id", published.key.hex()},
          {"value_bytes", published.value_size},
          {"published_ago_s", published.published_ago}};
}

ControlJson json_of(const PublishedResult& page) {
  CHECK(page.status == ServerStatus::done);
  CHECK(!page.next || (!page.keys.empty() && *page.next > page.keys.back().key));  // It goes on.
  ControlJson result = {{"keys", ControlJson::array()}};
  for (const PublishedKey& published : page.keys) result["keys"].push_back(json_of(published));
  if (page.next) result["next"] = page.next->hex();
  return result;
}

}  // namespace

void control_keep(Admin& admin, const ControlJson& request, const ControlFinish& finish) {
  const auto key = id_in(request);
  const auto value = from_hex(text_in(request, "value"));
  if (!key || !value || value->size() > value_size_max || !rpcudp::is_storable(*value)) {
    return finish(
        ControlError{ControlCode::usage,
                     "keep takes a \"key\" (text) or an \"id\" (40 hexadecimal digits), and a "
                     "\"value\" as it is sent over the wire, in hexadecimal digits"});
  }
  admin.call(command_of(CommandKind::keep, *key), *value, [finish](const CallResult& call) {
    if (call.status != ServerStatus::done) return finish(refused_by_node(call.status, ""));
    finish(ControlJson{{"stored", call.stored}});
  });
}

void control_forget(Admin& admin, const ControlJson& request, const ControlFinish& finish) {
  const auto key = id_in(request);
  if (!key) {
    return finish(ControlError{
        ControlCode::usage, "forget takes a \"key\" (text) or an \"id\" (40 hexadecimal digits)"});
  }
  admin.call(command_of(CommandKind::forget, *key), {}, [finish](const CallResult& call) {
    if (call.status == ServerStatus::not_found) {
      return finish(ControlError{
          ControlCode::refused,
          "the node does not publish that key: `xord published` lists those it does", true});
    }
    if (call.status != ServerStatus::done) return finish(refused_by_node(call.status, ""));
    finish(ControlJson::object());
  });
}

void control_published(Admin& admin, const ControlJson& request, const ControlFinish& finish) {
  const auto from = request.contains("from") ? Id::from_hex(text_in(request, "from")) : Id{};
  if (!from) {
    return finish(ControlError{
        ControlCode::usage,
        "published takes \"from\": the \"next\" (40 hexadecimal digits) of the previous answer, or "
        "nothing"});
  }
  list_published(admin, *from, [finish](const PublishedResult& page) {
    if (page.status != ServerStatus::done) return finish(refused_by_node(page.status, ""));
    finish(json_of(page));
  });
}

}  // namespace xord
