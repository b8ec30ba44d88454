#include "node/server/http/http_daemon.h"

#include <microhttpd.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <string>
#include <utility>

#include "node/server/http/access.h"
#include "node/server/http/problem.h"
#include "reactor/base/check.h"
#include "reactor/socket_address.h"

namespace xord {
namespace {

// Of a body that is too long, so much is read and dropped, so that the client gets to see the
// refusal; then its connection is closed.
constexpr size_t dropped_max = 1 << 20;

constexpr size_t stream_piece_max = 4096;

// The library reports work that it cannot do, as in a request whose chunk header does not end: it
// keeps such a connection ready, although it does not read from it. So after this many turns in a
// row that moved no body, each waits a while.
constexpr uint32_t turns_without_wait = 64;
constexpr Duration wait_between_turns = milliseconds(10);

std::string field_of(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? "" : value;
}

HttpConnection* record_of(MHD_Connection* connection) {
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  CHECK(info != nullptr && info->socket_context != nullptr);
  return static_cast<HttpConnection*>(info->socket_context);
}

size_t header_size(MHD_Connection* connection) {
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  CHECK(info != nullptr);
  return info->header_size;
}

bool is_body_too_long(MHD_Connection* connection) {
  const std::string length = field_of(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  uint64_t size = 0;
  std::from_chars(length.data(), length.data() + length.size(), size);
  return size > http_body_max;  // The library refuses what is not a number.
}

HttpResponse too_long(const std::string& what, uint16_t status, size_t most) {
  return problem(status, what + " has at most " + std::to_string(most) + " bytes: send fewer");
}

HttpResponse stopping() {
  return problem(503, "the node is stopping", ProblemCode::refused);
}

void free_text(void* text) {
  delete static_cast<std::string*>(text);
}

MHD_Response* response_of_text(std::string body) {
  auto text = std::make_unique<std::string>(std::move(body));
  MHD_Response* made = MHD_create_response_from_buffer_with_free_callback_cls(
      text->size(), text->data(), free_text, text.get());
  if (made != nullptr) (void)text.release();  // Now the library's.
  return made;
}

}  // namespace

// The functions that the library calls, each a step of one request.
struct HttpCallbacks {
  static MHD_Result access(void* self, MHD_Connection* connection, const char*, const char* method,
                           const char*, const char* upload, size_t* upload_size, void** context) {
    auto& daemon = *static_cast<HttpDaemon*>(self);
    auto** held = reinterpret_cast<HttpExchangePtr**>(context);
    if (*held == nullptr) return result_of(daemon.begin(connection, method, held));
    if (*upload_size == 0) return result_of(daemon.complete(**held));
    return result_of(daemon.take_body(**held, upload, std::exchange(*upload_size, 0)));
  }

  static void completed(void* self, MHD_Connection* connection, void** context,
                        MHD_RequestTerminationCode why) {
    static_cast<HttpDaemon*>(self)->end(connection, reinterpret_cast<HttpExchangePtr**>(context),
                                        why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
  }

  static void notify(void* self, MHD_Connection*, void** socket_context,
                     MHD_ConnectionNotificationCode what) {
    auto& daemon = *static_cast<HttpDaemon*>(self);
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
      CHECK(daemon.adding_ != nullptr);
      *socket_context = std::exchange(daemon.adding_, nullptr);
    } else {
      daemon.closed(static_cast<HttpConnection*>(*socket_context));
    }
  }

  static void* first_line(void* self, const char* target, MHD_Connection* connection) {
    auto& daemon = *static_cast<HttpDaemon*>(self);
    daemon.connections_.begin_request(record_of(connection), target, daemon.now_);
    return nullptr;
  }

  // The target is decoded by the router, part by part.
  static size_t leave_encoded(void*, MHD_Connection*, char* text) { return std::strlen(text); }

  // The body of an answer that goes on. What the two callbacks need ends when the answer does.
  struct Streaming {
    HttpDaemon& daemon;
    HttpExchangePtr exchange;
  };

  static MHD_Response* response_of_stream(HttpDaemon& daemon, const HttpExchangePtr& exchange,
                                          std::shared_ptr<HttpStream> stream) {
    exchange->stream = std::move(stream);
    exchange->stream->attach([mailbox = daemon.mailbox_, exchange] { mailbox->wake(exchange); });
    auto streaming = std::make_unique<Streaming>(Streaming{daemon, exchange});
    MHD_Response* made = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, stream_piece_max, read_stream, streaming.get(), free_stream);
    if (made != nullptr) (void)streaming.release();  // Now the library's.
    return made;
  }

  static ssize_t read_stream(void* context, uint64_t, char* out, size_t size) {
    const auto& streaming = *static_cast<Streaming*>(context);
    bool is_finished = false;
    const size_t taken = streaming.daemon.mailbox_->take_or(
        streaming.exchange, out, size, &is_finished,
        [&] { MHD_suspend_connection(streaming.exchange->connection); });
    streaming.daemon.busy_turns_ = 0;
    return is_finished ? MHD_CONTENT_READER_END_OF_STREAM : static_cast<ssize_t>(taken);
  }

  static void free_stream(void* context) {
    const std::unique_ptr<Streaming> streaming(static_cast<Streaming*>(context));
    streaming->exchange->stream->abandon();
  }

  static MHD_Result result_of(bool is_done) { return is_done ? MHD_YES : MHD_NO; }
};

HttpDaemon::HttpDaemon(Handler handler, HttpTimes times, HttpCounters& counters)
    : handler_(std::move(handler)), times_(times), counters_(counters) {
  CHECK(handler_ != nullptr);
}

HttpDaemon::~HttpDaemon() {
  stop();
}

std::optional<IoError> HttpDaemon::start() {
  CHECK(daemon_ == nullptr);
  if (auto error = mailbox_->error()) return error;
  const MHD_OptionItem options[] = {
      {MHD_OPTION_CONNECTION_LIMIT, http_connections_max, nullptr},
      {MHD_OPTION_CONNECTION_MEMORY_LIMIT, http_pool_bytes, nullptr},
      {MHD_OPTION_CONNECTION_TIMEOUT, times_.idle.whole_seconds(), nullptr},
      {MHD_OPTION_STRICT_FOR_CLIENT, 1, nullptr},
      {MHD_OPTION_NOTIFY_COMPLETED, reinterpret_cast<intptr_t>(&HttpCallbacks::completed), this},
      {MHD_OPTION_NOTIFY_CONNECTION, reinterpret_cast<intptr_t>(&HttpCallbacks::notify), this},
      {MHD_OPTION_URI_LOG_CALLBACK, reinterpret_cast<intptr_t>(&HttpCallbacks::first_line), this},
      {MHD_OPTION_UNESCAPE_CALLBACK, reinterpret_cast<intptr_t>(&HttpCallbacks::leave_encoded),
       nullptr},
      {MHD_OPTION_END, 0, nullptr}};
  errno = 0;
  daemon_ = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
                             nullptr, nullptr, &HttpCallbacks::access, this, MHD_OPTION_ARRAY,
                             options, MHD_OPTION_END);
  if (daemon_ != nullptr) return std::nullopt;
  return io_error("cannot start the HTTP server", errno == 0 ? ENOMEM : errno);
}

std::optional<HttpCount> HttpDaemon::add(int socket, const HttpPeer& peer, MonotonicTime now) {
  CHECK(daemon_ != nullptr && adding_ == nullptr);
  HttpCount refused_as{};
  adding_ = connections_.admit(peer, socket, now, &refused_as);
  if (adding_ == nullptr) {
    counters_.add(refused_as);
    return refused_as;
  }
  counters_.add(HttpCount::connections_accepted);
  counters_.set(HttpCount::connections, connections_.count());
  SocketAddress address;
  const socklen_t size = write_socket_address({peer.address, 0, 0}, &address);
  // It closes the socket if it has no memory for it.
  (void)MHD_add_connection(daemon_, socket, &address.any, size);
  if (adding_ != nullptr) closed(std::exchange(adding_, nullptr));
  return std::nullopt;
}

void HttpDaemon::run(MonotonicTime now) {
  CHECK(daemon_ != nullptr);
  now_ = now;
  expire();
  CHECK(adding_ == nullptr);
  mailbox_->take_woken([](MHD_Connection* connection) { MHD_resume_connection(connection); });
  MHD_run(daemon_);
}

// Ends connections whose time is over: the library sees the end of their input.
void HttpDaemon::expire() {
  while (HttpConnection* late = connections_.take_expired(now_)) {
    if (late->state != HttpConnection::State::idle) counters_.add(HttpCount::requests_slow);
    shutdown(late->socket, SHUT_RDWR);
  }
}

int HttpDaemon::fd() const {
  CHECK(daemon_ != nullptr);
  const auto* info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD);
  CHECK(info != nullptr);
  return info->epoll_fd;
}

std::optional<Duration> HttpDaemon::wait_max(MonotonicTime now) {
  std::optional<Duration> most;
  if (const auto deadline = connections_.next_deadline()) {
    most = std::max(*deadline - now, Duration{});
  }
  MHD_UNSIGNED_LONG_LONG library_most = 0;
  const bool has_timeout = MHD_get_timeout(daemon_, &library_most) == MHD_YES;
  if (has_timeout && library_most == 0) {
    const bool is_stuck = ++busy_turns_ > turns_without_wait;
    return is_stuck ? wait_between_turns : Duration{};
  }
  busy_turns_ = 0;
  if (!has_timeout) return most;
  const Duration until =
      milliseconds(static_cast<int64_t>(std::min<uint64_t>(library_most, 60'000)));
  return most ? std::min(*most, until) : until;
}

void HttpDaemon::close() {
  is_closing_ = true;
  mailbox_->close();
  for (const HttpExchangePtr& exchange : exchanges_) {
    if (exchange->is_handed_on) mailbox_->answer(exchange, stopping());
    if (exchange->stream != nullptr) exchange->stream->end();
  }
}

void HttpDaemon::stop() {
  if (daemon_ == nullptr) return;
  close();
  // The library takes no end of connections that are suspended.
  mailbox_->take_woken([](MHD_Connection* connection) { MHD_resume_connection(connection); });
  MHD_stop_daemon(std::exchange(daemon_, nullptr));
  CHECK(exchanges_.empty() && connections_.count() == 0);
}

// ---- One request.

bool HttpDaemon::begin(MHD_Connection* connection, const char* method, HttpExchangePtr** context) {
  if (header_size(connection) > http_header_max) {
    return refuse(connection, HttpCount::requests_header_long,
                  too_long("the header of a request", 431, http_header_max));
  }
  if (is_body_too_long(connection)) {
    return refuse(connection, HttpCount::requests_body_long,
                  too_long("the body of a request", 413, http_body_max));
  }
  HttpConnection* record = record_of(connection);
  CHECK(record->state == HttpConnection::State::reading);
  auto exchange = std::make_shared<HttpExchange>();
  exchange->connection = connection;
  exchange->record = record;
  HttpRequest& request = exchange->request;
  request.method = method;
  const std::string target = std::exchange(record->target, {});
  const size_t mark = std::min(target.find('?'), target.size());
  request.path = target.substr(0, mark);
  if (mark < target.size()) request.query = target.substr(mark + 1);
  request.host = field_of(connection, MHD_HTTP_HEADER_HOST);
  request.origin = field_of(connection, MHD_HTTP_HEADER_ORIGIN);
  request.authorization = field_of(connection, MHD_HTTP_HEADER_AUTHORIZATION);
  request.content_type = field_of(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
  request.accept = field_of(connection, MHD_HTTP_HEADER_ACCEPT);
  request.if_none_match = field_of(connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
  request.source = record->peer.source;
  request.local = record->peer.local;
  exchanges_.insert(exchange);
  *context = new HttpExchangePtr(std::move(exchange));  // Until end().
  return true;
}

bool HttpDaemon::take_body(const HttpExchangePtr& exchange, const char* bytes, size_t size) {
  std::string& body = exchange->request.body;
  CHECK(body.size() <= http_body_max && !exchange->is_handed_on);
  busy_turns_ = 0;
  if (exchange->dropped == 0 && size <= http_body_max - body.size()) {
    body.reserve(http_body_max);  // At once, so that it never has two buffers.
    body.append(bytes, size);
    return true;
  }
  if (exchange->dropped == 0) counters_.add(HttpCount::requests_body_long);
  body = {};
  exchange->dropped += size;
  return exchange->dropped <= dropped_max;
}

// Called when the request is whole, and again when the connection is resumed.
bool HttpDaemon::complete(const HttpExchangePtr& exchange) {
  MHD_Connection* connection = exchange->connection;
  CHECK(connection != nullptr && exchange->record != nullptr);
  if (exchange->dropped > 0) {
    return respond(connection, exchange, too_long("the body of a request", 413, http_body_max));
  }
  if (!std::exchange(exchange->is_handed_on, true)) {
    counters_.add(HttpCount::http_requests);
    connections_.serve(exchange->record);
    const HttpReply reply = reply_to(mailbox_, exchange);
    if (is_closing_) {
      reply(stopping());
    } else {
      handler_(std::move(exchange->request), reply);
    }
    exchange->request = {};
  }
  auto response = mailbox_->response_or(exchange, [&] { MHD_suspend_connection(connection); });
  return !response || respond(connection, exchange, std::move(*response));
}

bool HttpDaemon::refuse(MHD_Connection* connection, HttpCount counter, HttpResponse response) {
  response.refused_as = counter;
  return respond(connection, nullptr, std::move(response));
}

bool HttpDaemon::respond(MHD_Connection* connection, const HttpExchangePtr& exchange,
                         HttpResponse response) {
  CHECK(response.status >= 200 && response.status <= 599);
  if (response.refused_as) counters_.add(*response.refused_as);
  counters_.add(response.status < 400   ? HttpCount::answers_ok
                : response.status < 500 ? HttpCount::answers_refused
                                        : HttpCount::answers_failed);
  const bool is_stream = response.stream != nullptr && exchange != nullptr;
  MHD_Response* made =
      is_stream ? HttpCallbacks::response_of_stream(*this, exchange, std::move(response.stream))
                : response_of_text(std::move(response.body));
  if (made == nullptr) return false;
  CHECK(!is_stream || exchange->stream != nullptr);
  response.fields.push_back({MHD_HTTP_HEADER_CONTENT_TYPE, response.content_type});
  for (const HttpField& field : security_fields(response.content_type)) {
    response.fields.push_back(field);
  }
  for (const HttpField& field : response.fields) {
    // It takes no line ends; nothing that a client sent is in a field.
    CHECK(MHD_add_response_header(made, field.name.c_str(), field.value.c_str()) == MHD_YES);
  }
  connections_.begin_answer(record_of(connection), is_stream, now_);
  const auto queued = MHD_queue_response(connection, response.status, made);
  MHD_destroy_response(made);  // The library keeps it for as long as it needs it.
  return queued == MHD_YES;
}

void HttpDaemon::end(MHD_Connection* connection, HttpExchangePtr** context, bool is_sent) {
  const std::unique_ptr<HttpExchangePtr> held(std::exchange(*context, nullptr));
  bool is_ours = true;  // Not the library's own answer to a body that it cannot read.
  if (held != nullptr) {
    is_ours = (*held)->is_handed_on || (*held)->dropped > 0;
    mailbox_->finish(*held);
    exchanges_.erase(*held);
    if ((*held)->stream != nullptr) (*held)->stream->abandon();
    (*held)->connection = nullptr;
    (*held)->record = nullptr;
  }
  if (is_sent && is_ours) connections_.end_answer(record_of(connection), now_);
}

void HttpDaemon::closed(HttpConnection* record) {
  CHECK(record != nullptr);
  // Without a deadline it took too long, which is counted.
  const bool is_broken = record->state == HttpConnection::State::reading && record->deadline;
  if (is_broken && !is_closing_) counters_.add(HttpCount::requests_broken);
  connections_.release(record);
  counters_.set(HttpCount::connections, connections_.count());
}

}  // namespace xord
