# bench_parse: what framing, splitting, reading and validating one message costs, in sweeps of memchr over its lines.
add_executable(bench_parse ${CMAKE_CURRENT_LIST_DIR}/parse.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/scanner_patterns.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/validation.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/validation_framing.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/validation_headers.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/validation_octets.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/validation_paranoid.cpp)
target_link_libraries(bench_parse PRIVATE sipward::sdk)
target_include_directories(bench_parse PRIVATE ${PROJECT_SOURCE_DIR}/modules/guardian)
sipward_warnings(bench_parse)
