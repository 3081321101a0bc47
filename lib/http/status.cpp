#include "gossamer/http/status.hpp"

namespace gossamer::inline v0::http {

std::string_view status_text(int code) noexcept {
  switch (code) {
    case status_continue:
      return "Continue";
    case status_switching_protocols:
      return "Switching Protocols";
    case status_processing:
      return "Processing";
    case status_early_hints:
      return "Early Hints";
    case status_ok:
      return "OK";
    case status_created:
      return "Created";
    case status_accepted:
      return "Accepted";
    case status_non_authoritative_info:
      return "Non-Authoritative Information";
    case status_no_content:
      return "No Content";
    case status_reset_content:
      return "Reset Content";
    case status_partial_content:
      return "Partial Content";
    case status_multi_status:
      return "Multi-Status";
    case status_already_reported:
      return "Already Reported";
    case status_im_used:
      return "IM Used";
    case status_multiple_choices:
      return "Multiple Choices";
    case status_moved_permanently:
      return "Moved Permanently";
    case status_found:
      return "Found";
    case status_see_other:
      return "See Other";
    case status_not_modified:
      return "Not Modified";
    case status_use_proxy:
      return "Use Proxy";
    case status_temporary_redirect:
      return "Temporary Redirect";
    case status_permanent_redirect:
      return "Permanent Redirect";
    case status_bad_request:
      return "Bad Request";
    case status_unauthorized:
      return "Unauthorized";
    case status_payment_required:
      return "Payment Required";
    case status_forbidden:
      return "Forbidden";
    case status_not_found:
      return "Not Found";
    case status_method_not_allowed:
      return "Method Not Allowed";
    case status_not_acceptable:
      return "Not Acceptable";
    case status_proxy_auth_required:
      return "Proxy Authentication Required";
    case status_request_timeout:
      return "Request Timeout";
    case status_conflict:
      return "Conflict";
    case status_gone:
      return "Gone";
    case status_length_required:
      return "Length Required";
    case status_precondition_failed:
      return "Precondition Failed";
    case status_request_entity_too_large:
      return "Request Entity Too Large";
    case status_request_uri_too_long:
      return "Request URI Too Long";
    case status_unsupported_media_type:
      return "Unsupported Media Type";
    case status_requested_range_not_satisfiable:
      return "Requested Range Not Satisfiable";
    case status_expectation_failed:
      return "Expectation Failed";
    case status_teapot:
      return "I'm a teapot";
    case status_misdirected_request:
      return "Misdirected Request";
    case status_unprocessable_entity:
      return "Unprocessable Entity";
    case status_locked:
      return "Locked";
    case status_failed_dependency:
      return "Failed Dependency";
    case status_too_early:
      return "Too Early";
    case status_upgrade_required:
      return "Upgrade Required";
    case status_precondition_required:
      return "Precondition Required";
    case status_too_many_requests:
      return "Too Many Requests";
    case status_request_header_fields_too_large:
      return "Request Header Fields Too Large";
    case status_unavailable_for_legal_reasons:
      return "Unavailable For Legal Reasons";
    case status_internal_server_error:
      return "Internal Server Error";
    case status_not_implemented:
      return "Not Implemented";
    case status_bad_gateway:
      return "Bad Gateway";
    case status_service_unavailable:
      return "Service Unavailable";
    case status_gateway_timeout:
      return "Gateway Timeout";
    case status_http_version_not_supported:
      return "HTTP Version Not Supported";
    case status_variant_also_negotiates:
      return "Variant Also Negotiates";
    case status_insufficient_storage:
      return "Insufficient Storage";
    case status_loop_detected:
      return "Loop Detected";
    case status_not_extended:
      return "Not Extended";
    case status_network_authentication_required:
      return "Network Authentication Required";
    default:
      return {};
  }
}

}  // namespace gossamer::inline v0::http
