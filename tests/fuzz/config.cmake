# Included where the other fuzz targets are made; needs clang (preset fuzz).
if(SIPWARD_BUILD_FUZZ)
  add_executable(config_fuzz ${CMAKE_CURRENT_LIST_DIR}/config_fuzz.cpp)
  target_link_libraries(config_fuzz PRIVATE sipward::sdk)
  target_link_options(config_fuzz PRIVATE -fsanitize=fuzzer)
endif()
