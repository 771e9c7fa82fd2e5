// Resets of 1, 2, .. cycles, each while a result word, a read's answer and a write's wait to be taken: TOP shows nothing
// valid and nothing ready from the first edge of the reset on, and begins anew. Prints PASS, or what was seen.

`default_nettype none

module reset_tb;

  reg clk = 1'b0, rst_n = 1'b0;
  reg awvalid = 1'b0, wvalid = 1'b0, arvalid = 1'b0, svalid = 1'b0, slast = 1'b0;
  reg bready = 1'b0, rready = 1'b0, mready = 1'b0;
  reg [WIDTH-1:0] awaddr = 0;
  reg [31:0] wdata = 0, sdata = 0;
  wire irq, awready, wready, bvalid, arready, rvalid, sready, mvalid, mlast;
  wire [31:0] rdata;
  reg [35:0] packets [0:PACKET-1];
  integer errors = 0, length, i, waited, taken;

  always #5 clk = !clk;

  TOP u_dut (
    .clk_i(clk), .rst_ni(rst_n), .irq_o(irq),
    .s_axi_awvalid(awvalid), .s_axi_awready(awready), .s_axi_awaddr(awaddr), .s_axi_awprot(3'd0),
    .s_axi_wvalid(wvalid), .s_axi_wready(wready), .s_axi_wdata(wdata), .s_axi_wstrb(4'hF),
    .s_axi_bvalid(bvalid), .s_axi_bready(bready), .s_axi_bresp(),
    .s_axi_arvalid(arvalid), .s_axi_arready(arready), .s_axi_araddr({WIDTH{1'b0}}), .s_axi_arprot(3'd0),
    .s_axi_rvalid(rvalid), .s_axi_rready(rready), .s_axi_rdata(rdata), .s_axi_rresp(),
    .s_axis_tvalid(svalid), .s_axis_tready(sready), .s_axis_tdata(sdata), .s_axis_tkeep(4'hF), .s_axis_tlast(slast),
    .m_axis_tvalid(mvalid), .m_axis_tready(mready), .m_axis_tdata(), .m_axis_tkeep(), .m_axis_tlast(mlast)
  );

  task write;
    input [WIDTH-1:0] address;
    input [31:0] value;
    begin
      awaddr = address;
      wdata = value;
      awvalid = 1'b1;
      wvalid = 1'b1;
      while (!(awready && wready)) @(negedge clk);
      @(negedge clk);
      awvalid = 1'b0;
      wvalid = 1'b0;
      while (!bvalid) @(negedge clk);
    end
  endtask

  task closed;
    if ({mvalid, bvalid, rvalid, sready, awready, wready, arready, irq} !== 8'd0) begin
      $display("FAIL: reset of %0d: m%b b%b r%b, ready %b%b%b%b, irq %b", length, mvalid, bvalid, rvalid, sready,
               awready, wready, arready, irq);
      errors = errors + 1;
    end
  endtask

  initial begin
    $readmemh("axi_tb_packets.hex", packets);
    repeat (4) @(negedge clk);
    rst_n = 1'b1;
    for (length = 1; length < 6; length = length + 1) begin
      {bready, mready} = 2'b10;
      write(INTERRUPT, 32'd3);
      @(negedge clk);
      write(CONTROL, 32'd1);
      @(negedge clk);
      for (i = 0; i < PACKET; i = i + 1) begin
        {slast, sdata} = packets[i][32:0];
        svalid = 1'b1;
        while (!sready) @(negedge clk);
        @(negedge clk);
        svalid = 1'b0;
      end
      while (!mvalid) @(negedge clk);
      // One word of the result leaves, so that a stale one has no end.
      mready = 1'b1; @(negedge clk); mready = 1'b0;
      rready = 1'b0;
      bready = 1'b0;
      arvalid = 1'b1;
      while (!arready) @(negedge clk);
      @(negedge clk);
      arvalid = 1'b0;
      while (!rvalid) @(negedge clk);
      write(INTERRUPT, 32'd3);
      if ({mvalid, bvalid, rvalid, irq} !== 4'b1111) begin
        $display("FAIL: nothing waits that a reset could take back");
        errors = errors + 1;
      end
      rst_n = 1'b0;
      for (i = 0; i < length; i = i + 1) begin @(negedge clk); closed; end
      rst_n = 1'b1;
      {bready, rready, mready} = 3'b111;
      for (i = 0; i < 16; i = i + 1) begin @(negedge clk); closed; end
      taken = 0;
      for (waited = 0; waited < 100; waited = waited + 1) begin @(negedge clk); taken = taken + mvalid + rvalid + bvalid; end
      if (taken != 0 || !(awready && wready && arready && sready)) begin
        $display("FAIL: after a reset of %0d: %0d left over", length, taken);
        errors = errors + 1;
      end
    end
    if (errors == 0) $display("PASS");
    $finish;
  end

endmodule

`default_nettype wire
