// GET /metrics: what the metrics show beside the counters, and the answer.
#include <string>
#include <string_view>

#include "node/server/admin/admin.h"
#include "node/server/api/api.h"
#include "node/server/metrics/metrics.h"
#include "reactor/base/check.h"
#include "storage/durability.h"

namespace xord {
namespace {

// Of "0.1.0 (commit 0123abc)", as `xord --version` shows it. Another program's is kept as it is.
void split_version(const std::string& text, MetricFacts* facts) {
  constexpr std::string_view before_commit = " (commit ";
  facts->version = text;
  const size_t at = text.find(before_commit);
  if (at == std::string::npos || !text.ends_with(')')) return;
  facts->version = text.substr(0, at);
  facts->commit = text.substr(at + before_commit.size());
  facts->commit.pop_back();
}

MetricFacts facts_of(const Admin& admin) {
  const ServerConfig config = admin.config();
  CHECK(admin.networks_count() > 0 && !config.data_dir.empty());
  MetricFacts facts;
  split_version(config.version, &facts);
  facts.durability = config.durability == Durability::sync ? "sync" : "os";
  for (NetworkIndex network = 0; network < admin.networks_count(); ++network) {
    facts.networks.push_back({admin.network_name(network), admin.network_id(network).hex()});
  }
  facts.contacts_max = config.contacts_max;
  facts.records_max = config.records_max;
  facts.storage_max = config.storage_max;
  facts.memory_max = config.memory_max;
  facts.health = admin.health();
  facts.log_lines_limited = admin.log_lines_limited();
  facts.http_answers = admin.http_answers();
  facts.process = process_figures();
  facts.disk = disk_space_of(config.data_dir);
  return facts;
}

}  // namespace

Route Api::metrics_route() const {
  Route route;
  route.method = "GET";
  route.pattern = "/metrics";
  route.access = RouteAccess::open;
  route.summary = "All counters in Prometheus' text format";
  route.handle = [this](const HttpRequest&, const HttpReply& reply) { reply(metrics()); };
  route.content_type = metrics_content_type;
  return route;
}

HttpResponse Api::metrics() const {
  const auto shards =
      admin_.config().has_metrics_by_shard ? MetricShards::apart : MetricShards::summed;
  HttpResponse response;
  response.content_type = metrics_content_type;
  response.body = metrics_text(admin_.stats(), facts_of(admin_), shards);
  DCHECK(response.body.size() <= metrics_bytes_max);
  response.fields.push_back({"Cache-Control", "no-store"});
  return response;
}

}  // namespace xord
