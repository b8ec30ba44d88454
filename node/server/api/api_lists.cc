// The API's routes that list what a node holds: contacts, buckets, records.
#include "node/server/api/api.h"
#include "node/server/http/problem.h"
#include "node/server/http/url.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// `more`, then those of every page.
std::vector<RouteParameter> list_parameters(std::vector<RouteParameter> more) {
  for (const RouteParameter& each : page_parameters()) more.push_back(each);
  more.push_back(in_query("network", "of /v1/status; absent: the first"));
  return more;
}

// The only record of a list, or 404.
ControlFinish reply_with_record(const HttpReply& reply) {
  CHECK(reply != nullptr);
  return [reply](ControlResult result) {
    if (const auto* list = std::get_if<ControlJson>(&result)) {
      const ControlJson& records = list->at("records");
      CHECK(records.size() <= 1);
      if (records.empty()) {
        return reply(problem(404, "the node holds no record with that id", ProblemCode::refused));
      }
      result = ControlJson(records.front());
    }
    reply_with(reply)(std::move(result));
  };
}

}  // namespace

std::vector<Route> Api::list_routes() {
  using enum RouteAccess;
  return {
      {"GET", "/v1/contacts", reads, "The nodes in the routing table",
       [this](const HttpRequest& request, const HttpReply& reply) {
         control_contacts(admin_,
                          from_query(request, {"near", "state", "from", "limit", "network"}),
                          reply_with(reply));
       },
       list_parameters(
           {in_query("near", "the nearest to this id first; up to 40 hexadecimal digits"),
            in_query("state", "trusted, doubted, awaited or silent: only those")})},
      {"GET",
       "/v1/lookup",
       reads,
       "A lookup of the nodes nearest to a key or id, call by call",
       [this](const HttpRequest& request, const HttpReply& reply) {
         control_lookup(admin_, from_query(request, {"key", "id"}), reply_with(reply));
       },
       {in_query("key", "a text"), in_query("id", "40 hexadecimal digits, instead of a key")}},
      {"GET",
       "/v1/explain",
       reads,
       "Whether an address is served, and why",
       [this](const HttpRequest& request, const HttpReply& reply) {
         ControlJson json = ControlJson::object();
         if (const auto address = query_value(request.query, "ip")) json["address"] = *address;
         control_explain(admin_, json, reply_with(reply));
       },
       {in_query("ip", "an address without a port")}},
      {"GET", "/v1/buckets", reads, "The buckets of the routing table, the farthest first",
       [this](const HttpRequest& request, const HttpReply& reply) {
         control_buckets(admin_, from_query(request, {"from", "limit", "network"}),
                         reply_with(reply));
       },
       list_parameters({})},
      {"GET", "/v1/records", reads, "The records that the node holds, in the order of their ids",
       [this](const HttpRequest& request, const HttpReply& reply) {
         control_records(admin_, from_query(request, {"prefix", "from", "limit", "network"}),
                         reply_with(reply));
       },
       list_parameters({in_query("prefix", "leading hexadecimal digits of the ids")})},
      {"GET",
       "/v1/records/{id}",
       reads,
       "One record that the node holds",
       [this](const HttpRequest& request, const HttpReply& reply) {
         ControlJson json = from_query(request, {"network"});
         json["id"] = request.parts.at("id");
         control_records(admin_, json, reply_with_record(reply));
       },
       {in_path("id", "40 hexadecimal digits"),
        in_query("network", "of /v1/status; absent: the first")}},
  };
}

}  // namespace xord
