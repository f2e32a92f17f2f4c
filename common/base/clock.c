/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/str.h"
#include <stdio.h>
#include <time.h>

static int64_t now_us(clockid_t id)
{
    struct timespec t;
    if (clock_gettime(id, &t))
        abort();
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_boot_us(void)
{
    return now_us(CLOCK_BOOTTIME);
}

int64_t clock_boot_ms(void)
{
    return clock_boot_us() / 1000;
}

int64_t clock_wall_us(void)
{
    return now_us(CLOCK_REALTIME);
}

int64_t clock_wall_ms(void)
{
    return clock_wall_us() / 1000;
}

void time_format(int64_t us, char out[static TIME_TEXT_LEN])
{
    int64_t rest = us % 1000000, sec = us / 1000000;
    if (rest < 0) {
        rest += 1000000;
        sec--;
    }
    time_t t = (time_t)sec;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || tm.tm_year < -1899 || tm.tm_year > 8099) {
        snprintf(out, TIME_TEXT_LEN, "0001-01-01T00:00:00Z");
        return;
    }
    size_t n = strftime(out, TIME_TEXT_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest)
        snprintf(out + n, TIME_TEXT_LEN - n, ".%06dZ", (int)rest);
    else
        snprintf(out + n, TIME_TEXT_LEN - n, "Z");
}

/* Reads exactly n digits. */
static bool digits(const char **s, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, (*s)++) {
        if (**s < '0' || **s > '9')
            return false;
        *out = *out * 10 + (**s - '0');
    }
    return true;
}

static bool lit(const char **s, char c)
{
    return *(*s)++ == c;
}

static int parse_fraction(const char **s, int *us)
{
    int n = 0;
    *us = 0;
    if (**s != '.')
        return 0;
    for ((*s)++; **s >= '0' && **s <= '9'; (*s)++, n++) {
        if (n == 6)
            return -EINVAL;
        *us = *us * 10 + (**s - '0');
    }
    if (!n)
        return -EINVAL;
    for (; n < 6; n++)
        *us *= 10;
    return 0;
}

static int parse_offset(const char **s, int *seconds)
{
    int h, m, sign = **s == '-' ? -1 : 1;
    *seconds = 0;
    if (**s == 'Z') {
        (*s)++;
        return 0;
    }
    if (**s != '+' && **s != '-')
        return -EINVAL;
    (*s)++;
    if (!digits(s, 2, &h) || !lit(s, ':') || !digits(s, 2, &m) || h > 23 || m > 59)
        return -EINVAL;
    *seconds = sign * (h * 3600 + m * 60);
    return 0;
}

int time_parse(const char *s, int64_t *us)
{
    struct tm tm = {0};
    int frac, offset, year, mon;
    if (!digits(&s, 4, &year) || !lit(&s, '-') || !digits(&s, 2, &mon) || !lit(&s, '-') ||
        !digits(&s, 2, &tm.tm_mday) || !lit(&s, 'T') || !digits(&s, 2, &tm.tm_hour) || !lit(&s, ':') ||
        !digits(&s, 2, &tm.tm_min) || !lit(&s, ':') || !digits(&s, 2, &tm.tm_sec))
        return -EINVAL;
    if (year < 1 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
        return -EINVAL;
    if (parse_fraction(&s, &frac) || parse_offset(&s, &offset) || *s)
        return -EINVAL;
    tm.tm_year = year - 1900;
    tm.tm_mon = mon - 1;
    struct tm check = tm;
    int64_t sec = (int64_t)timegm(&check);
    if (check.tm_mon != mon - 1 || check.tm_mday != tm.tm_mday || check.tm_year != tm.tm_year)
        return -EINVAL; /* the 30th of February */
    *us = (sec - offset) * 1000000 + frac;
    return 0;
}

int duration_parse(const char *s, int64_t *seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t n = strlen(s);
    char number[16];
    uint64_t v;
    if (n < 2 || n - 1 >= sizeof(number))
        return -EINVAL;
    memcpy(number, s, n - 1);
    number[n - 1] = '\0';
    if (parse_u64(number, 1, 100000000, &v))
        return -EINVAL;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (units[i].unit == s[n - 1]) {
            *seconds = (int64_t)v * units[i].seconds;
            return 0;
        }
    return -EINVAL;
}
