// Brings events from any thread to a JavaScript callback, many at a time.
#pragma once

#include <node_api.h>

#include <mutex>
#include <vector>

#include "../segment/store.h"

namespace tidelog {

class EventQueue final : public EventSink {
 public:
  // `onBatch` is called on the JavaScript thread for each event, before `callback(count)`.
  using OnEvent = void (*)(void* context, const Event& event);

  EventQueue(OnEvent onEvent, void* context) : onEvent_(onEvent), context_(context) {}

  // `events` is a Float64Array's memory with room for `capacity` events; whoever calls keeps it alive. False on failure.
  bool start(napi_env env, napi_value callback, double* events, size_t capacity);
  void push(const Event& event) override;
  // An operation with a token began: the event loop stays alive until its event is delivered.
  void began();
  // The environment ends: events that still come are dropped.
  void stop();

 private:
  static void deliver(napi_env env, napi_value callback, void* context, void*);
  void deliver(napi_env env, napi_value callback);

  const OnEvent onEvent_;
  void* const context_;
  napi_env env_ = nullptr;
  double* out_ = nullptr;
  size_t capacity_ = 0;
  size_t pending_ = 0;
  std::mutex mutex_;
  std::vector<Event> queue_;
  bool scheduled_ = false;
  napi_threadsafe_function function_ = nullptr;
};

}  // namespace tidelog
