# parse_bench: what splitting, reading and validating one message costs.
add_executable(parse_bench ${CMAKE_CURRENT_LIST_DIR}/parse_bench.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/scanner_patterns.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/validation.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/validation_framing.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/validation_headers.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/validation_octets.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/validation_paranoid.cpp)
target_link_libraries(parse_bench PRIVATE sipward::sdk)
target_include_directories(parse_bench PRIVATE ${PROJECT_SOURCE_DIR}/modules/guardian)
sipward_warnings(parse_bench)
