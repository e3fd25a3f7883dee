import { describe, expect, it } from 'vitest';
import { Histogram, MetricsRegistry } from '../../src/metrics/registry.ts';

describe('metrics', () => {
  it('are made once for a name and its labels', () => {
    const metrics = new MetricsRegistry();
    metrics.counter('requests', { request: 'Fetch' }).add();
    metrics.counter('requests', { request: 'Fetch' }).add(2);
    metrics.counter('requests', { request: 'Produce' }).add();
    metrics.gauge('size', () => 5);
    expect([...metrics.counters()].map(({ labels, value }) => [labels.request, value.value])).toEqual([['Fetch', 3], ['Produce', 1]]);
    expect([...metrics.gauges()].map(({ value }) => value())).toEqual([5]);
  });

  it('know quantiles within a fifth', () => {
    const histogram = new Histogram();
    expect(histogram.quantile(0.5)).toBe(0);
    for (let value = 1; value <= 1000; value++) histogram.record(value);
    expect(histogram).toMatchObject({ count: 1000, sum: 500_500, max: 1000 });
    for (const fraction of [0.1, 0.5, 0.99]) {
      expect(histogram.quantile(fraction)).toBeGreaterThanOrEqual(fraction * 1000);
      expect(histogram.quantile(fraction)).toBeLessThanOrEqual(fraction * 1000 * 1.2);
    }
    histogram.record(0);
    histogram.record(1e300);
    expect(histogram.quantile(1)).toBe(1e300);
  });
});
