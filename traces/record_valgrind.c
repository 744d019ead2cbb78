#include "traces/record_i.h"
const struct recorder recorder_valgrind;
