// franz produces with every codec, keys, headers and timestamps, consumes in a group, commits, leaves, joins again and resumes.
// Usage: franz BOOTSTRAP. Exit code 0 when all of it held.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// base is the timestamp of record 0: recent, so that retention leaves the records alone.
var base = time.Now().Add(-time.Hour).UnixMilli()

func must(err error, what string) {
	if err != nil {
		fmt.Fprintln(os.Stderr, what+":", err)
		os.Exit(1)
	}
}

func produce(ctx context.Context, bootstrap, topic string, codec kgo.CompressionCodec, from, to int) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ProducerBatchCompression(codec), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(err, "client")
	defer client.Close()
	first := time.UnixMilli(base)
	for i := from; i < to; i++ {
		client.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(i % 2), Key: []byte(fmt.Sprintf("k%d", i)), Value: []byte(fmt.Sprintf("v%d", i)),
			Timestamp: first.Add(time.Duration(i) * time.Millisecond), Headers: []kgo.RecordHeader{{Key: "n", Value: []byte(fmt.Sprint(i))}}},
			func(_ *kgo.Record, err error) { must(err, "produce") })
	}
	must(client.Flush(ctx), "flush")
}

// consume reads count records in the group, checks each, commits and leaves.
func consume(ctx context.Context, bootstrap, topic, group string, count int, seen map[string]bool) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	must(err, "client")
	defer client.Close()
	for got := 0; got < count; {
		fetches := client.PollFetches(ctx)
		must(fetches.Err(), "poll")
		fetches.EachRecord(func(r *kgo.Record) {
			id := string(r.Key)
			if seen[id] {
				must(fmt.Errorf("%s came twice", id), "consume")
			}
			if len(r.Headers) != 1 || "k"+string(r.Headers[0].Value) != id || "k"+string(r.Value[1:]) != id || "k"+fmt.Sprint(r.Timestamp.UnixMilli()-base) != id {
				must(fmt.Errorf("%+v is not what was produced", r), "consume")
			}
			seen[id] = true
			got++
		})
	}
	must(client.CommitUncommittedOffsets(ctx), "commit")
}

func main() {
	bootstrap := os.Args[1]
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	must(err, "client")
	admin := kadm.NewClient(client)
	for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
		topic := "franz-" + name
		_, err := admin.CreateTopic(ctx, 2, 1, nil, topic)
		must(err, "create")
		seen := map[string]bool{}
		produce(ctx, bootstrap, topic, codec, 0, 2000)
		consume(ctx, bootstrap, topic, "g-"+name, 2000, seen)
		produce(ctx, bootstrap, topic, codec, 2000, 2500)
		consume(ctx, bootstrap, topic, "g-"+name, 500, seen)
		lag, err := admin.Lag(ctx, "g-"+name)
		must(err, "lag")
		if total := lag["g-"+name].Lag.Total(); total != 0 {
			must(fmt.Errorf("lag is %d", total), name)
		}
		fmt.Println("ok", name)
	}
	_, err = admin.DeleteTopics(ctx, "franz-none")
	must(err, "delete")
	client.Close()
}
