// The API's part of the list of what the node publishes again each day.
#include "node/server/api/api.h"
#include "node/server/http/problem.h"
#include "node/server/http/url.h"
#include "node/wire/rpcudp/value.h"
#include "reactor/base/check.h"
#include "reactor/base/hex.h"

namespace xord {
namespace {

// The member of a command's request that names the key: "key", or with kind=id "id".
ControlJson named_in(const HttpRequest& request) {
  CHECK(request.parts.contains("key"));
  const bool is_id = query_value(request.query, "kind") == "id";
  return {{is_id ? "id" : "key", request.parts.at("key")}};
}

// What JSON can say of the values that a node keeps; bytes are said as they are sent over the wire.
std::optional<Value> value_of(const ControlJson& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX) return json.get<uint64_t>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_string()) return json.get<std::string>();
  return std::nullopt;
}

// The value on the wire, in hexadecimal digits; empty if the body has none.
std::optional<std::string> wire_in(const ControlJson& body) {
  CHECK(body.is_object());
  if (body.contains("value") == body.contains("wire")) return std::nullopt;
  if (body.contains("wire")) return text_in(body, "wire");
  const auto value = value_of(body["value"]);
  const auto wire = value ? encode_value(*value) : std::nullopt;
  return wire ? std::optional(to_hex(*wire)) : std::nullopt;
}

// Of a page that the node gave, at most `most` keys.
void cut(ControlJson& page, uint32_t most) {
  CHECK(page["keys"].is_array() && most > 0);
  if (page["keys"].size() <= most) return;
  const ControlJson next = page["keys"][most]["id"];
  page["keys"].erase(page["keys"].begin() + most, page["keys"].end());
  page["next"] = next;  // A new member moves the others.
}

}  // namespace

void Api::published(const HttpRequest& request, const HttpReply& reply) const {
  const auto wanted = page_wanted(request);
  if (const auto* refused = std::get_if<HttpResponse>(&wanted)) return reply(*refused);
  const auto& page = std::get<PageWanted>(wanted);
  ControlJson json = ControlJson::object();
  if (!page.from.empty()) json["from"] = page.from;
  control_published(admin_, json, [reply, most = page.limit](ControlResult result) {
    if (auto* keys = std::get_if<ControlJson>(&result)) cut(*keys, most);
    reply_with(reply)(std::move(result));
  });
}

void Api::keep(const HttpRequest& request, const HttpReply& reply) const {
  auto body = body_of(request);
  if (auto* refused = std::get_if<HttpResponse>(&body)) return reply(std::move(*refused));
  const auto wire = wire_in(std::get<ControlJson>(body));
  if (!wire) {
    return reply(problem(400,
                         "the body is {\"value\": ...} with a text, a number, true or false, or "
                         "{\"wire\": ...} with the value as it is sent, in hexadecimal digits"));
  }
  ControlJson json = named_in(request);
  json["value"] = *wire;
  control_keep(admin_, json, reply_with(reply));
}

void Api::forget(const HttpRequest& request, const HttpReply& reply) const {
  control_forget(admin_, named_in(request), reply_with(reply));
}

std::vector<Route> Api::published_routes() {
  using enum RouteAccess;
  const RouteParameter key = in_path("key", "text, or with kind=id 40 hexadecimal digits");
  const RouteParameter kind = in_query("kind", "id: the key is 40 hexadecimal digits");
  return {
      {"GET", "/v1/published", reads, "The keys that the node publishes again each day",
       call(&Api::published), page_parameters()},
      {"PUT",
       "/v1/published/{key}",
       changes,
       "Publish a value each day",
       call(&Api::keep),
       {key, kind}},
      {"DELETE",
       "/v1/published/{key}",
       changes,
       "Publish a key no more",
       call(&Api::forget),
       {key, kind}},
  };
}

}  // namespace xord
