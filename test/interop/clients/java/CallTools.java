import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.utils.Exit;

/**
 * Calls main methods of Apache Kafka's tools one after the other in one process: a start of Java for each takes seconds.
 * In: count of words, then each as length and UTF-8; the first is the class. Out: exit code (-1: it took too long, -2: it is that of this process, which the tool
 * ends), then what was printed, as length and bytes, twice.
 */
public final class CallTools {
    private static final long TIMEOUT_MS = Long.getLong("timeoutMs", 60_000);

    /** What a process would have printed and returned had it ended at its first exit. */
    private static final class Call {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final ByteArrayOutputStream err = new ByteArrayOutputStream();
        Integer code = null;

        synchronized void end(int exitCode) {
            if (code == null) code = exitCode;
        }

        OutputStream into(ByteArrayOutputStream target) {
            return new OutputStream() {
                @Override
                public void write(int value) {
                    synchronized (Call.this) {
                        if (code == null) target.write(value);
                    }
                }

                @Override
                public void write(byte[] bytes, int offset, int length) {
                    synchronized (Call.this) {
                        if (code == null) target.write(bytes, offset, length);
                    }
                }
            };
        }
    }

    private static final class Exited extends Error {
        Exited() {
            super("exited", null, false, false);
        }
    }

    private static volatile Call current;

    public static void main(String[] args) throws Exception {
        DataInputStream in = new DataInputStream(new FileInputStream(FileDescriptor.in));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)));
        System.setIn(InputStream.nullInputStream());
        Exit.Procedure exit = (code, message) -> {
            Call call = current;
            if (call != null) call.end(code);
            throw new Exited();
        };
        Exit.setExitProcedure(exit);
        Exit.setHaltProcedure(exit);
        Exit.setShutdownHookAdder((name, runnable) -> { });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> answerLast(out)));
        while (true) {
            String[] words;
            try {
                words = new String[in.readInt()];
            } catch (IOException ended) {
                Runtime.getRuntime().halt(0);
                return;
            }
            for (int index = 0; index < words.length; index++) words[index] = new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
            answer(call(words), out);
        }
    }

    private static Call call(String[] words) throws Exception {
        Call call = new Call();
        current = call;
        System.setOut(new PrintStream(call.into(call.out), true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(call.into(call.err), true, StandardCharsets.UTF_8));
        Thread thread = new Thread(() -> runMain(call, words));
        thread.setDaemon(true);
        thread.start();
        thread.join(TIMEOUT_MS);
        call.end(-1);
        return call;
    }

    private static void runMain(Call call, String[] words) {
        String[] args = java.util.Arrays.copyOfRange(words, 1, words.length);
        try {
            Class.forName(words[0]).getMethod("main", String[].class).invoke(null, (Object) args);
            call.end(0);
        } catch (InvocationTargetException thrown) {
            if (!(thrown.getCause() instanceof Exited)) {
                System.err.print("Exception in thread \"main\" ");
                thrown.getCause().printStackTrace();
            }
            call.end(1);
        } catch (ReflectiveOperationException wrong) {
            wrong.printStackTrace();
            call.end(1);
        }
    }

    /** Some tools do not ask for their exit. */
    private static void answerLast(DataOutputStream out) {
        Call call = current;
        if (call == null) return;
        synchronized (call) {
            if (call.code != null) return;
            call.code = -2;
        }
        try {
            answer(call, out);
        } catch (IOException gone) {
            return;
        }
    }

    private static void answer(Call call, DataOutputStream out) throws IOException {
        byte[] printed;
        byte[] complained;
        synchronized (call) {
            printed = call.out.toByteArray();
            complained = call.err.toByteArray();
        }
        out.writeInt(call.code);
        out.writeInt(printed.length);
        out.write(printed);
        out.writeInt(complained.length);
        out.write(complained);
        out.flush();
    }
}
