import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.CloseableIterator;

/** For each file named: checks every batch in it and prints "file records crc32", the sum taken over all contents. */
public class ReadBatches {
    public static void main(String[] files) throws Exception {
        for (String file : files) {
            MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(Files.readAllBytes(Path.of(file))));
            for (MutableRecordBatch batch : records.batches()) print(file, batch);
        }
    }

    private static void print(String file, MutableRecordBatch batch) {
        batch.ensureValid();
        CRC32 sum = new CRC32();
        long count = 0;
        try (CloseableIterator<Record> records = batch.streamingIterator(BufferSupplier.create())) {
            while (records.hasNext()) {
                Record record = records.next();
                record.ensureValid();
                add(sum, record);
                count += 1;
            }
        }
        System.out.println(file + " " + count + " " + Long.toHexString(sum.getValue()));
    }

    private static void add(CRC32 sum, Record record) {
        if (record.hasKey()) sum.update(record.key());
        if (record.hasValue()) sum.update(record.value());
        sum.update((record.offset() + ":" + record.timestamp()).getBytes(StandardCharsets.UTF_8));
        for (Header header : record.headers()) sum.update(header.key().getBytes(StandardCharsets.UTF_8));
    }
}
