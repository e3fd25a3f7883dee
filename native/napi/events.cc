#include "events.h"

#include "../segment/abi.h"
#include "values.h"

namespace tidelog {

bool EventQueue::start(napi_env env, napi_value callback, double* events, size_t capacity) {
  env_ = env;
  out_ = events;
  capacity_ = capacity;
  napi_value name;
  if (napi_create_string_utf8(env, "tidelog", NAPI_AUTO_LENGTH, &name) != napi_ok) return false;
  if (napi_create_threadsafe_function(env, callback, nullptr, name, 0, 1, nullptr, nullptr, this, deliver, &function_) != napi_ok) return false;
  return napi_unref_threadsafe_function(env, function_) == napi_ok;
}

void EventQueue::push(const Event& event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (function_ == nullptr) return;
  queue_.push_back(event);
  if (scheduled_) return;
  scheduled_ = true;
  // The environment is ending: the function must not be touched again.
  if (napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking) == napi_closing) function_ = nullptr;
}

void EventQueue::began() {
  if (pending_++ == 0 && function_ != nullptr) napi_ref_threadsafe_function(env_, function_);
}

void EventQueue::stop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (function_ == nullptr) return;
  napi_release_threadsafe_function(function_, napi_tsfn_abort);
  function_ = nullptr;
  queue_.clear();
}

void EventQueue::deliver(napi_env env, napi_value callback, void* context, void*) {
  if (env != nullptr) static_cast<EventQueue*>(context)->deliver(env, callback);
}

void EventQueue::deliver(napi_env env, napi_value callback) {
  std::vector<Event> events;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    scheduled_ = false;
    events.swap(queue_);
  }
  napi_value receiver;
  napi_get_undefined(env, &receiver);
  for (size_t at = 0; at < events.size(); at += capacity_) {
    const size_t count = events.size() - at < capacity_ ? events.size() - at : capacity_;
    for (size_t index = 0; index < count; index++) {
      const Event& event = events[at + index];
      onEvent_(context_, event);
      if (event.token != kNoToken && --pending_ == 0 && function_ != nullptr) napi_unref_threadsafe_function(env, function_);
      double* row = out_ + index * kEventFields;
      row[kEventToken] = event.token;
      row[kEventError] = event.error;
      row[kEventSegment] = event.owner;
    }
    napi_value argument = toValue(env, static_cast<int32_t>(count));
    if (napi_call_function(env, receiver, callback, 1, &argument, nullptr) == napi_pending_exception) {
      napi_value error;
      napi_get_and_clear_last_exception(env, &error);
      napi_fatal_exception(env, error);
    }
  }
}

}  // namespace tidelog
