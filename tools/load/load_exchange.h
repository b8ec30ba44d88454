// The requests of a load run in progress. Sends them, matches each reply to its request, checks it,
// and answers the node's pings of our sources. It drives the reactor's backend itself, because a
// generator must be able to spin: a client that sleeps between replies slows down a node on the
// same machine (waking an idle core takes 20 us, measured).
//
// Requests are numbered, and the number is in the transaction. The row of a request is its number
// modulo the table's size, and requests time out in order, so nothing is searched.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "reactor/base/check.h"
#include "reactor/doorbell.h"
#include "reactor/monotonic.h"
#include "reactor/udp_backend.h"
#include "tools/load/load_sources.h"
#include "tools/load/reply_check.h"

namespace xord {

struct Question {
  RequestKind kind{};
  uint32_t source = 0;
  // The number of the target or key in `domain`. In IdDomain::sources it names a source: the target
  // is that source's id except for the last bit, since a Python node leaves out the id that is
  // looked for.
  uint64_t number = 0;
  IdDomain domain{};
  Instant planned;  // The time it should have been sent; latency counts from here.
};

// How a question ended.
enum class Ending : uint8_t { answered, lost };

class ExchangeListener {
 public:
  // Called once for each question. `verdict` is valid only for answered ones.
  virtual void ended(const Question& question, Ending ending, Verdict verdict,
                     Duration latency) = 0;
  // Called before ended(), with the answer.
  virtual void answered(const Question&, Bytes) {}

 protected:
  ~ExchangeListener() = default;
};

// Datagrams that no open question explains.
struct StrayCounts {
  uint64_t unknown_transaction = 0;  // From the target, but never asked.
  uint64_t late = 0;                 // The question had ended: given up, or already answered.
  // With a right transaction, which only the target knows, but not from its address to the source
  // that asked.
  uint64_t wrong_source = 0;
  uint64_t malformed = 0;  // From the target, but neither reply nor request.
  uint64_t strangers = 0;  // From elsewhere, and no reply to us: not the target's doing.
  uint64_t pings_answered = 0;
  uint64_t pings_ignored = 0;  // Because of AnswerPings::no, or for want of room.
  uint64_t requests = 0;       // Requests of the node other than pings.
  uint64_t wrong() const { return unknown_transaction + wrong_source + malformed; }
};

enum class AnswerPings : uint8_t { yes, no };
enum class Waiting : uint8_t { spin, sleep };

struct ExchangeConfig {
  Endpoint target;
  IoChoice io = IoChoice::epoll;
  AnswerPings answer_pings = AnswerPings::yes;
  uint32_t own_ids = 0;  // Sources below this have their own ids, others client_id.
  Duration timeout = seconds(1);
  // Questions open at once, including answered ones that follow one still open: 48 bytes each. The
  // rate times the timeout must fit.
  uint32_t questions_max = 1 << 19;
  uint64_t tag = 0;  // Marks this run's transactions: from the kernel's entropy.
};

class LoadExchange : private DatagramSink {
 public:
  // `sources` and `keys` must outlive this object. The error says what to do.
  [[nodiscard]] static std::optional<IoError> create(const ExchangeConfig& config,
                                                     LoadSources& sources,
                                                     std::unique_ptr<LoadExchange>* out);
  ~LoadExchange();
  LoadExchange(const LoadExchange&) = delete;
  LoadExchange& operator=(const LoadExchange&) = delete;

  // The key space may change until the first question about a key (the node's id is learnt by a
  // ping).
  void use(const KeySpace& keys, ReplyCheck& check, ExchangeListener& listener);

  bool can_ask() const;
  // Queues a request; turn() sends it. Requires can_ask().
  void ask(const Question& question);
  uint32_t open_count() const { return open_count_; }
  // Gives up all open questions: they count as lost, and their answers as late.
  void give_up_open();

  // Whether requests of equal length from one source that are queued together leave in one send.
  // Off at first.
  void set_coalescing(bool on) { chosen_.backend->set_coalescing(on); }

  // One turn: sends what is queued, receives what has arrived, gives up what is overdue. Sleeps
  // until something arrives, but at most until `until`; with Waiting::spin it only polls.
  void turn(Waiting waiting, Instant until);
  Instant now() const { return clock_.now(); }
  // The id with which a source sends requests and answers pings.
  Id id_of(uint32_t source) const;

  const StrayCounts& strays() const { return strays_; }
  const ShardSockets& sockets() const { return sockets_; }
  std::string_view backend_name() const { return chosen_.backend->name(); }

 private:
  struct Row {
    Question question;
    uint64_t sequence = 0;
    bool is_open = false;
    uint16_t request_size = 0;
  };
  static_assert(rpcudp::request_size_max <= UINT16_MAX);
  static_assert(sizeof(Row) <= 56);

  LoadExchange(const ExchangeConfig& config, LoadSources& sources);

  void on_datagram(const Datagram& datagram) override;
  void receive_reply(const Datagram& datagram);
  void count_unknown(const Datagram& datagram, uint64_t& of_target);
  void receive_request(const Datagram& datagram);
  void give_up_overdue(Instant now);
  void close(Row& row, Ending ending, Verdict verdict, Duration latency);
  size_t encode(MutableBytes out, const Question& question, Bytes transaction) const;
  Row& row_of(uint64_t sequence) {
    DCHECK(sequence < next_);
    return rows_[sequence & (rows_.size() - 1)];
  }

  ExchangeConfig config_;
  LoadSources& sources_;
  const KeySpace* keys_ = nullptr;
  ReplyCheck* check_ = nullptr;
  ExchangeListener* listener_ = nullptr;
  NodeClock clock_{Instant{}};
  ShardSockets sockets_;
  Doorbell doorbell_;
  IoCounters io_counters_;
  ChosenBackend chosen_;  // Borrows sockets_, doorbell_ and io_counters_.
  Outbox outbox_;
  std::vector<Row> rows_;
  uint64_t oldest_ = 0;  // Numbers below this are closed.
  uint64_t next_ = 0;
  uint32_t open_count_ = 0;
  StrayCounts strays_;
  std::optional<Instant> received_at_;  // Time of the batch being handled.
};

}  // namespace xord
